"""From an answer to its JSON."""

from pydantic_core import to_json

from service.recommender import Answer


def render(answer: Answer) -> bytes:
    """The answer as the JSON of a ``service.schemas.RecommendResponse``.

    Written from plain dicts: making the models first would cost more than the search.
    """
    items: list[dict[str, object]]
    if answer.distances is None:
        items = [{"id": item, "distance": None, "score": None} for item in answer.item_ids]
    else:
        bits = answer.bits
        items = [
            {"id": item, "distance": distance, "score": bits - 2 * distance}
            for item, distance in zip(answer.item_ids, answer.distances, strict=True)
        ]
    document: dict[str, object] = {
        "user_id": answer.user_id,
        "k": answer.k,
        "items": items,
        "release_id": answer.release_id,
        "source": answer.source,
    }
    if len(items) < answer.k:
        document["shortfall"] = answer.k - len(items)
    return to_json(document)
