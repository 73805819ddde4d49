"""Information about a user or an item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["ItemInfo", "UserInfo"]


@dataclass(frozen=True)
class ItemInfo:
    """Information about an item.

    Attributes:
        id: the requested id.
        known: ``release`` for an item in the release, ``new`` for an item of later events, ``no``
            for an unknown item.
        popularity: number of interactions in training.
        tags: the item's tags.
        attributes: the item's attribute values by name, without missing ones.
        release_id: id of the release.
    """

    id: str
    known: Literal["release", "new", "no"]
    popularity: int
    tags: tuple[str, ...]
    attributes: Mapping[str, float | str]
    release_id: str


@dataclass(frozen=True)
class UserInfo:
    """Information about a user.

    Attributes:
        id: the requested id.
        known: whether the user is in the release.
        seen: number of the user's items in training.
        fresh: number of the user's items in events after training.
        items: up to 100 of these items, the newest last.
        release_id: id of the release.
    """

    id: str
    known: bool
    seen: int
    fresh: int
    items: tuple[str, ...]
    release_id: str
