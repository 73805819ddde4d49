"""Information on an item or a user, and the most popular items."""

from typing import Final, Literal

import numpy as np

from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.popular import popular_rows
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.results import ItemInfo, UserInfo

# Maximum number of items listed per user: the latest.
_MAX_ITEMS: Final = 100


def item_info(recommender: Recommender, item_id: str) -> ItemInfo:
    """Return information on an item; ``known`` is "no" if it is unknown."""
    release, row = recommender.release, recommender.catalogue.row_of(item_id)
    if row is None or row >= release.n_items:
        known: Literal["new", "no"] = "no" if row is None else "new"
        return ItemInfo(item_id, known, 0, (), {}, release.id)
    return ItemInfo(
        id=item_id,
        known="release",
        popularity=int(release.popularity[row]),
        tags=tuple(release.attributes.tags_of(row)),
        attributes=release.attributes.columns_of(row),
        release_id=release.id,
    )


def user_info(recommender: Recommender, user_id: str) -> UserInfo:
    """Return information on a user; ``known`` is False if the user is not in the release."""
    release = recommender.release
    row = None if recommender.recent.is_forgotten(user_id) else release.users.row_of(user_id)
    seen = np.empty(0, np.int64) if row is None else release.seen[row]
    recent = recommender.recent.interactions_of(user_id)
    if not isinstance(recent, ItemHistory):
        recent = ItemHistory.of(recent, release.items)
    items = [*release.items.ids_of(seen[:_MAX_ITEMS]), *recent.newest(_MAX_ITEMS)]
    return UserInfo(
        id=user_id,
        known=row is not None,
        seen=len(seen),
        fresh=len(recent),
        items=tuple(items[-_MAX_ITEMS:]),
        release_id=release.id,
    )


def most_popular(recommender: Recommender, k: int) -> list[tuple[str, int]]:
    """Return ids and popularities of the ``k`` most popular items of the release."""
    release = recommender.release
    rows = popular_rows(release.n_items, k)
    return list(zip(release.items.ids_of(rows), release.popularity[rows].tolist(), strict=True))
