"""An event, as it is given and as it is kept."""

from dataclasses import dataclass
from typing import Final, NamedTuple

# An item that a user never wants to see again.
HIDE: Final = "hide"
# A user who wants to be forgotten: what became of their events. No event given has this type.
FORGET: Final = "$forget"


@dataclass(frozen=True)
class Event:
    """Somebody did something with an item.

    Attributes:
        user_id: who, as in the training data.
        item_id: with what; both may be new.
        type: what it was. ``hide`` keeps the item away from the user; any other counts as having
            taken it.
        at: when, in seconds since 1970-01-01 UTC.
        id: of this event, if whoever sends it gave it one: the same id twice counts once.
    """

    user_id: str
    item_id: str
    type: str
    at: float
    id: str | None = None


class StoredEvent(NamedTuple):
    """An event that is durable; a tuple, since hundreds of thousands are read at a time.

    A row that was put into the database by other means may hold anything:
    ``bitrecall.events.rules`` says what can be used.

    Attributes:
        sequence: from 1 up, in the order in which events became durable; numbers may be missing.
        user_id: who.
        item_id: with what; empty where ``type`` is ``$forget``.
        type: what it was.
        at: when, in seconds since 1970-01-01 UTC.
    """

    sequence: int
    user_id: str
    item_id: str
    type: str
    at: float


@dataclass(frozen=True)
class Appended:
    """What became of events that were given.

    Attributes:
        accepted: how many are new, and durable now.
        duplicates: how many had an id that was there already.
    """

    accepted: int
    duplicates: int
