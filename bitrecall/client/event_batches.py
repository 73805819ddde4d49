"""The requests that send events, in batches, and the errors of one that fails. No network I/O."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

from bitrecall.arguments import id_text
from bitrecall.client.calls import Call
from bitrecall.errors import ArgumentError, BitrecallError
from bitrecall.json_text import json_text

__all__ = ["EventBatches", "EventsAccepted"]

# Limit per request of a service with default settings.
_MAX_EVENTS: Final = 1000
# The JSON pointer to an event of a request, at the start of a message.
_POINTER: Final = re.compile(r"^/events/(\d+)")


class EventsAccepted(NamedTuple):
    """The number of new events, and of events whose id was already stored."""

    accepted: int
    duplicates: int


class EventBatches:
    """The calls of ``POST /events`` for a list of events, and the sum of their results.

    Events without an id get one, so that an event counts once even if a retry sends it again.

    Args:
        events: the events to send.

    Attributes:
        total: the sum of the results so far.

    Raises:
        ArgumentError: an event is not a mapping, has no user or item, its time has no time zone, or
            JSON cannot represent it.
    """

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        if isinstance(events, Mapping | str | bytes) or not isinstance(events, Iterable):
            raise ArgumentError(
                "events has to be a list of dicts such as [{'user_id': 'a', 'item_id': 'b'}], not "
                f"{type(events).__name__}",
                "events",
            )
        self._events = [_event_json(event, f"events[{i}]") for i, event in enumerate(events)]
        self._stored = 0
        self.total = EventsAccepted(0, 0)

    def __iter__(self) -> Iterator[Call[EventsAccepted]]:
        """Return one call per batch."""
        for start in range(0, len(self._events), _MAX_EVENTS):
            batch = b", ".join(self._events[start : start + _MAX_EVENTS])
            yield Call("POST", "/events", _accepted, b'{"events": [%b]}' % batch)

    def add(self, result: EventsAccepted) -> None:
        """Add the result of the next call to the total."""
        self._stored = min(self._stored + _MAX_EVENTS, len(self._events))
        self.total = EventsAccepted(*(sum(pair) for pair in zip(self.total, result, strict=True)))

    @contextmanager
    def name_stored(self) -> Iterator[None]:
        """Complete the message of an error of a later batch.

        The message then has the index of the invalid event in the list, instead of in the batch,
        and the number of events that are stored.
        """
        try:
            yield
        except BitrecallError as error:
            if self._stored:
                message = _POINTER.sub(
                    lambda match: f"/events/{int(match[1]) + self._stored}", str(error)
                )
                error.args = (
                    f"{message}; the first {self._stored:,} events are stored "
                    f"({self.total.accepted:,} new): send only events[{self._stored}:] again",
                    *error.args[1:],
                )
            raise


def _accepted(document: Mapping[str, Any]) -> EventsAccepted:
    return EventsAccepted(document["accepted"], document["duplicates"])


def _event_json(event: Mapping[str, Any], argument: str) -> bytes:
    if not isinstance(event, Mapping):
        raise ArgumentError(
            f"{argument} has to be a dict with user_id and item_id, not {event!r:.60}", argument
        )
    members = dict(event)
    for name in ("user_id", "item_id"):
        members[name] = id_text(members.get(name), f"{argument}.{name}")
    time = members.get("time")
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise ArgumentError(f"{argument}.time has no time zone: {time.isoformat()}", "time")
        members["time"] = time.isoformat()
    members.setdefault("id", uuid.uuid4().hex)
    return json_text(
        {name: value for name, value in members.items() if value is not None}, argument
    )
