"""Convert the recommender's ranked items to result types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitrecall.results import (
    PopularItem,
    PopularItems,
    Recommendation,
    Recommendations,
    SimilarItems,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bitrecall.index.recommend.types import RankedItems
    from bitrecall.index.releases.release import Release

__all__ = ["popular_items", "recommendations", "similar_items"]


def recommendations(ranked: RankedItems) -> Recommendations:
    """Convert the items for one user."""
    return Recommendations(
        items=_items(ranked),
        k=ranked.k,
        release_id=ranked.release_id,
        user_id=ranked.user_id,
        source=ranked.source,
        degraded=ranked.degraded,
        code=ranked.code,
    )


def similar_items(item_id: str, ranked: RankedItems) -> SimilarItems:
    """Convert the items similar to ``item_id``."""
    return SimilarItems(
        items=_items(ranked), k=ranked.k, release_id=ranked.release_id, item_id=item_id
    )


def popular_items(release: Release, items: Iterable[tuple[str, int]]) -> PopularItems:
    """Convert pairs of an item id and its popularity."""
    return PopularItems(tuple(PopularItem(*item) for item in items), release.id)


def _items(ranked: RankedItems) -> tuple[Recommendation, ...]:
    if ranked.distances is None:
        items = [Recommendation(item_id, None, None) for item_id in ranked.item_ids]
    else:
        items = [
            Recommendation(item_id, distance, ranked.bits - 2 * distance)
            for item_id, distance in zip(ranked.item_ids, ranked.distances, strict=True)
        ]
    if ranked.item_codes is not None and ranked.explanations is not None:
        explained = zip(items, ranked.item_codes, ranked.explanations, strict=True)
        items = [
            item._replace(code=code, because=tuple(similar)) for item, code, similar in explained
        ]
    if ranked.taken is not None:
        items = [
            item._replace(taken=taken) for item, taken in zip(items, ranked.taken, strict=True)
        ]
    return tuple(items)
