"""The requests of a client, and what their answers mean; no network."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from bitrecall.arguments import check_k, filter_json, id_text, id_texts
from bitrecall.client.parsing import (
    item_info,
    popular_items,
    recommendation_lists,
    recommendations,
    similar_items,
    user_info,
)
from bitrecall.errors import ArgumentError
from bitrecall.results import ItemInfo, PopularItems, Recommendations, SimilarItems, UserInfo

__all__ = [
    "Call",
    "EventsAccepted",
    "find",
    "forget",
    "item",
    "popular",
    "recommend",
    "recommend_many",
    "send_events",
    "similar",
    "user",
]

Result = TypeVar("Result")

# What a service with default settings answers at most in one batch, and takes of events.
_ITEMS_AT_ONCE: Final = 100_000
_EVENTS_AT_ONCE: Final = 1000
# An explained item counts as so many there.
_EXPLAINED: Final = 10


class EventsAccepted(NamedTuple):
    """How many events were new, and how many were there already by their id."""

    accepted: int
    duplicates: int


@dataclass(frozen=True)
class Call(Generic[Result]):
    """One request.

    Attributes:
        method: of HTTP.
        path: percent-encoded, with its query.
        parse: makes the result of the answer's JSON.
        body: JSON, or None.
    """

    method: str
    path: str
    parse: Callable[[Any], Result]
    body: bytes | None = None


def recommend(
    user_id: str | int | None,
    k: int,
    *,
    exclude_seen: bool,
    exclude_items: Iterable[str | int],
    wanted: Mapping[str, Any] | None,
    history: Iterable[str | int] | None,
    history_mode: str,
    explain: bool,
) -> Call[Recommendations]:
    """``POST /recommend``; arguments as ``Model.recommend``. Raises ``ArgumentError``."""
    if user_id is None and history is None:
        raise ArgumentError("recommend needs a user_id or a history", "user_id")
    if history_mode not in ("instead", "add"):
        raise ArgumentError(
            f"history_mode has to be 'instead' or 'add', not {history_mode!r}", "history_mode"
        )
    members: dict[str, Any] = _options(k, exclude_items)
    members |= {"exclude_seen": exclude_seen, "explain": explain}
    if user_id is not None:
        members["user_id"] = id_text(user_id, "user_id")
    if history is not None:
        members |= {"history": id_texts(history, "history"), "history_mode": history_mode}
    return Call("POST", "/recommend", recommendations, _body(members, wanted))


def recommend_many(
    user_ids: Iterable[str | int],
    k: int,
    *,
    exclude_seen: bool,
    exclude_items: Iterable[str | int],
    wanted: Mapping[str, Any] | None,
    explain: bool,
    batch_size: int,
) -> Iterator[Call[tuple[Recommendations, ...]]]:
    """``POST /recommend/batch``, as often as it takes. Raises ``ArgumentError``."""
    users = id_texts(user_ids, "user_ids")
    members = _options(k, exclude_items) | {"exclude_seen": exclude_seen, "explain": explain}
    items = members["k"] * (_EXPLAINED if explain else 1)
    together = max(1, min(batch_size, _ITEMS_AT_ONCE // items))
    # Checked before the first is sent.
    bodies = [
        _body(members | {"user_ids": users[start : start + together]}, wanted)
        for start in range(0, len(users), together)
    ]
    return (Call("POST", "/recommend/batch", recommendation_lists, body) for body in bodies)


def similar(
    item_id: str | int,
    k: int,
    *,
    exclude_items: Iterable[str | int],
    wanted: Mapping[str, Any] | None,
) -> Call[SimilarItems]:
    """``POST /similar``. Raises ``ArgumentError``."""
    members = {"item_id": id_text(item_id, "item_id"), **_options(k, exclude_items)}
    return Call("POST", "/similar", similar_items, _body(members, wanted))


def popular(k: int) -> Call[PopularItems]:
    """``GET /popular``. Raises ``ArgumentError``."""
    return Call("GET", f"/popular?k={check_k(k)}", popular_items)


def user(user_id: str | int) -> Call[UserInfo]:
    """``GET /users/{id}``. Raises ``ArgumentError``."""
    return Call("GET", "/users/" + _segment(id_text(user_id, "user_id")), user_info)


def item(item_id: str | int) -> Call[ItemInfo]:
    """``GET /items/{id}``. Raises ``ArgumentError``."""
    return Call("GET", "/items/" + _segment(id_text(item_id, "item_id")), item_info)


def find(what: str, prefix: str, k: int) -> Call[list[str]]:
    """``GET /users`` or ``GET /items``, by ``what``. Raises ``ArgumentError``."""
    path = f"/{what}?k={check_k(k)}&prefix={quote(prefix, safe='')}"
    return Call("GET", path, lambda document: list(document["ids"]))


def send_events(events: Iterable[Mapping[str, Any]]) -> Iterator[Call[EventsAccepted]]:
    """``POST /events``, as often as it takes; an event without an id gets one.

    By its id an event that is sent twice, because the connection broke, counts once.

    Raises:
        ArgumentError: an event is not a mapping, or lacks its user or item.
    """
    written = [_event(event, place) for place, event in enumerate(events)]
    return (
        Call(
            "POST",
            "/events",
            lambda document: EventsAccepted(document["accepted"], document["duplicates"]),
            json.dumps({"events": written[start : start + _EVENTS_AT_ONCE]}).encode(),
        )
        for start in range(0, len(written), _EVENTS_AT_ONCE)
    )


def forget(user_id: str | int) -> Call[int]:
    """``DELETE /users/{id}``: the number of events removed. Raises ``ArgumentError``."""
    path = "/users/" + _segment(id_text(user_id, "user_id"))
    return Call("DELETE", path, lambda document: int(document["events"]))


def _options(k: int, exclude_items: Iterable[str | int]) -> dict[str, Any]:
    return {"k": check_k(k), "exclude_items": id_texts(exclude_items, "exclude_items")}


def _body(members: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bytes:
    body = json.dumps(members).encode()
    return body if wanted is None else b'%b,"filter":%b}' % (body[:-1], filter_json(wanted))


def _segment(text: str) -> str:
    """An id as one segment of a path; . and .. would be taken for steps in it."""
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


def _event(event: Mapping[str, Any], place: int) -> dict[str, Any]:
    if not isinstance(event, Mapping):
        raise ArgumentError(
            f"events[{place}] has to be a dict with user_id and item_id, not {event!r:.60}",
            f"events[{place}]",
        )
    members = dict(event)
    for name in ("user_id", "item_id"):
        members[name] = id_text(members.get(name), f"events[{place}].{name}")
    moment = members.get("time")
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ArgumentError(
                f"events[{place}].time has no time zone: {moment.isoformat()}", "time"
            )
        members["time"] = moment.isoformat()
    members.setdefault("id", uuid.uuid4().hex)
    return {name: value for name, value in members.items() if value is not None}
