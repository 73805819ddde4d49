"""What is known of an item or a user, without recommending anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.popular import popular_rows
from bitrecall.index.recommend.recommender import Recommender

# Items of a user that are told at most.
_LATEST: Final = 100


@dataclass(frozen=True)
class KnownItem:
    """What is known of an item; see ``bitrecall.service.api.schemas.answers.ItemResponse``."""

    id: str
    known: Literal["release", "new", "no"]
    popularity: int
    tags: Sequence[str]
    attributes: Mapping[str, float | str]
    release_id: str


@dataclass(frozen=True)
class KnownUser:
    """What is known of a user; see ``bitrecall.service.api.schemas.answers.UserResponse``."""

    id: str
    known: bool
    seen: int
    fresh: int
    items: Sequence[str]
    release_id: str


def known_item(recommender: Recommender, item_id: str) -> KnownItem:
    """What is known of an item, which there need not be."""
    release, row = recommender.release, recommender.catalogue.row_of(item_id)
    if row is None or row >= release.n_items:
        known: Literal["new", "no"] = "no" if row is None else "new"
        return KnownItem(item_id, known, 0, (), {}, release.id)
    return KnownItem(
        id=item_id,
        known="release",
        popularity=int(release.popularity[row]),
        tags=release.attributes.tags_of(row),
        attributes=release.attributes.columns_of(row),
        release_id=release.id,
    )


def known_user(recommender: Recommender, user_id: str) -> KnownUser:
    """What is known of a user, whom there need not be."""
    release = recommender.release
    row = None if recommender.recent.is_forgotten(user_id) else release.users.row_of(user_id)
    seen = np.empty(0, np.int64) if row is None else release.seen[row]
    taken = recommender.recent.interactions_of(user_id)
    if not isinstance(taken, ItemHistory):
        taken = ItemHistory.of(taken, release.items)
    return KnownUser(
        id=user_id,
        known=row is not None,
        seen=len(seen),
        fresh=len(taken),
        items=[*release.items.ids_of(seen[:_LATEST]), *taken.newest(_LATEST)][-_LATEST:],
        release_id=release.id,
    )


def most_popular(recommender: Recommender, k: int) -> list[tuple[str, int]]:
    """The ids and popularities of the ``k`` most popular items that training knows."""
    release = recommender.release
    rows = popular_rows(release.n_items, k)
    return list(zip(release.items.ids_of(rows), release.popularity[rows].tolist(), strict=True))
