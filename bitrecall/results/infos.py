"""Information on one user or one item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["ItemInfo", "UserInfo"]


@dataclass(frozen=True)
class ItemInfo:
    """Information on an item.

    Attributes:
        id: the requested id.
        known: ``release`` if training knows the item, ``new`` if it has come up in events since,
            ``no`` if neither.
        popularity: interactions with it in training.
        tags: its tags.
        attributes: its known attributes, by their names.
        release_id: the release that answered.
    """

    id: str
    known: Literal["release", "new", "no"]
    popularity: int
    tags: tuple[str, ...]
    attributes: Mapping[str, float | str]
    release_id: str


@dataclass(frozen=True)
class UserInfo:
    """Information on a user.

    Attributes:
        id: the requested id.
        known: whether training knows the user.
        seen: how many items training has seen with the user.
        fresh: how many items the user has taken in events since.
        items: the latest hundred of both, the newest last.
        release_id: the release that answered.
    """

    id: str
    known: bool
    seen: int
    fresh: int
    items: tuple[str, ...]
    release_id: str
