"""Results as JSON documents, equal to the responses of the service."""

from typing import Any

from bitrecall.results import PopularItems, Recommendation, Recommendations, SimilarItems

__all__ = ["popular_document", "recommend_document", "similar_document"]


def recommend_document(result: Recommendations, *, explained: bool) -> dict[str, Any]:
    """Convert to the response of ``POST /recommend``."""
    document: dict[str, Any] = {
        "user_id": result.user_id,
        "k": result.k,
        "items": list(map(_item, result)),
        "release_id": result.release_id,
        "source": result.source,
    }
    if explained:
        document["code"] = result.code
    if result.shortfall:
        document["shortfall"] = result.shortfall
    return document | ({"degraded": True} if result.degraded else {})


def similar_document(result: SimilarItems) -> dict[str, Any]:
    """Convert to the response of ``POST /similar``."""
    document: dict[str, Any] = {
        "item_id": result.item_id,
        "k": result.k,
        "items": list(map(_item, result)),
        "release_id": result.release_id,
    }
    return document | ({"shortfall": result.shortfall} if result.shortfall else {})


def popular_document(result: PopularItems) -> dict[str, Any]:
    """Convert to the response of ``GET /popular``."""
    items = [{"id": item.item_id, "popularity": item.popularity} for item in result]
    return {"items": items, "release_id": result.release_id}


def _item(item: Recommendation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": item.item_id,
        "distance": item.distance,
        "score": item.score,
    }
    if item.because is not None:
        document["code"] = item.code
        document["because"] = [
            {"id": explanation.item_id, "distance": explanation.distance}
            | ({} if explanation.weight is None else {"weight": explanation.weight})
            for explanation in item.because
        ]
    return document
