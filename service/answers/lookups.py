"""What is known of an item or a user, without recommending anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.answers.recommender import Recommender


@dataclass(frozen=True)
class KnownItem:
    """What is known of an item; see ``service.schemas.answers.ItemResponse``."""

    id: str
    known: Literal["release", "new", "no"]
    popularity: int
    tags: Sequence[str]
    attributes: Mapping[str, float | str]
    release_id: str


@dataclass(frozen=True)
class KnownUser:
    """What is known of a user; see ``service.schemas.answers.UserResponse``."""

    id: str
    known: bool
    seen: int
    fresh: int
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
    row = None if recommender.fresh.is_forgotten(user_id) else release.users.row_of(user_id)
    return KnownUser(
        id=user_id,
        known=row is not None,
        seen=0 if row is None else len(release.seen[row]),
        fresh=len(recommender.fresh.taken_by(user_id)),
        release_id=release.id,
    )


def most_popular(recommender: Recommender, k: int) -> list[tuple[str, int]]:
    """The ids and popularities of the ``k`` most popular items that training knows."""
    release = recommender.release
    count = min(k, release.n_items)
    ids = release.items.ids_of(range(count))
    return list(zip(ids, release.popularity[:count].tolist(), strict=True))
