"""From answers of the recommender to results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitrecall.results import Recommendation, Recommendations, SimilarItems

if TYPE_CHECKING:
    from bitrecall.index.recommend.types import RankedItems

__all__ = ["recommendations", "similar_items"]


def recommendations(answer: RankedItems) -> Recommendations:
    """The items for one user."""
    return Recommendations(
        items=_items(answer),
        k=answer.k,
        release_id=answer.release_id,
        user_id=answer.user_id,
        source=answer.source,
        degraded=answer.degraded,
        code=answer.code,
    )


def similar_items(item_id: str, answer: RankedItems) -> SimilarItems:
    """The items like one."""
    return SimilarItems(
        items=_items(answer), k=answer.k, release_id=answer.release_id, item_id=item_id
    )


def _items(answer: RankedItems) -> tuple[Recommendation, ...]:
    if answer.distances is None:
        items = [Recommendation(item_id, None, None) for item_id in answer.item_ids]
    else:
        items = [
            Recommendation(item_id, distance, answer.bits - 2 * distance)
            for item_id, distance in zip(answer.item_ids, answer.distances, strict=True)
        ]
    if answer.item_codes is not None and answer.explanations is not None:
        explained = zip(items, answer.item_codes, answer.explanations, strict=True)
        items = [
            item._replace(code=code, because=tuple(reasons)) for item, code, reasons in explained
        ]
    return tuple(items)
