"""Events, as they are submitted and as they are stored."""

from dataclasses import dataclass
from typing import Final, NamedTuple

HIDE: Final = "hide"
"""Type of an event by which a user hides an item from their recommendations."""

FORGET: Final = "$forget"
"""Type of the marker that replaces the events of a forgotten user. No client can send it."""


@dataclass(frozen=True)
class Event:
    """An action of a user on an item.

    Attributes:
        user_id: id of the user, as in the training data; may be new.
        item_id: id of the item; may be new.
        type: kind of action. ``hide`` hides the item from the user; any other type counts as an
            interaction.
        at: time of the action, in seconds since 1970-01-01 UTC.
        id: id of the event, if the client assigned one; a repeated id counts once.
    """

    user_id: str
    item_id: str
    type: str
    at: float
    id: str | None = None


class StoredEvent(NamedTuple):
    """A durable event; a tuple, because hundreds of thousands are read at a time.

    A row that another program wrote may contain anything: ``bitrecall.events.rules`` decides
    whether it can be used.

    Attributes:
        sequence: sequence number, from 1, in the order in which events became durable; there may
            be gaps.
        user_id: id of the user.
        item_id: id of the item; empty if ``type`` is ``$forget``.
        type: kind of action.
        at: time of the action, in seconds since 1970-01-01 UTC.
    """

    sequence: int
    user_id: str
    item_id: str
    type: str
    at: float


@dataclass(frozen=True)
class Appended:
    """Counts of a finished append.

    Attributes:
        accepted: number of new events, which are durable now.
        duplicates: number of events whose id was stored already.
    """

    accepted: int
    duplicates: int
