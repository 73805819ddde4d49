"""Rendering of recommendations as JSON.

It uses plain dicts: creating the models of ``bitrecall.service.api.schemas`` would cost more than
the search.
"""

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from bitrecall.index.recommend.types import RankedItems
from bitrecall.index.search.native_module import native


def render(answer: RankedItems) -> bytes:
    """The items for one user, as a ``RecommendResponse``."""
    if native is not None and answer.distances is not None and answer.explanations is None:
        return b'{"user_id":%b,"k":%d,"items":%b,"release_id":"%b","source":"%b"%b}' % (
            to_json(answer.user_id),
            answer.k,
            native.items_json(answer.item_ids, answer.distances, answer.bits),
            answer.release_id.encode(),
            answer.source.encode(),
            _shortfall(answer),
        )
    document: dict[str, Any] = {"user_id": answer.user_id, "k": answer.k, "items": _items(answer)}
    document |= {"release_id": answer.release_id, "source": answer.source}
    if answer.explanations is not None:
        document["code"] = answer.code
    return to_json(document | _shortcomings(answer))


def render_batch_entry(answer: RankedItems) -> bytes:
    """The items for one user of a batch, as a ``BatchAnswer``."""
    if native is not None and answer.distances is not None and answer.explanations is None:
        return b'{"user_id":%b,"items":%b,"source":"%b"%b}' % (
            to_json(answer.user_id),
            native.items_json(answer.item_ids, answer.distances, answer.bits),
            answer.source.encode(),
            _shortfall(answer),
        )
    document: dict[str, Any] = {"user_id": answer.user_id, "items": _items(answer)}
    document["source"] = answer.source
    if answer.explanations is not None:
        document["code"] = answer.code
    return to_json(document | _shortcomings(answer))


def render_batch(entries: Sequence[bytes], k: int, release_id: str) -> bytes:
    """A ``BatchResponse`` of entries that ``render_batch_entry`` rendered."""
    joined = b",".join(entries)
    return b'{"answers":[%b],"k":%d,"release_id":"%b"}' % (joined, k, release_id.encode())


def render_similar(item_id: str, answer: RankedItems) -> bytes:
    """The items similar to an item, as a ``SimilarResponse``."""
    document: dict[str, Any] = {"item_id": item_id, "k": answer.k, "items": _items(answer)}
    return to_json(document | {"release_id": answer.release_id} | _shortcomings(answer))


def _items(answer: RankedItems) -> list[dict[str, object]]:
    items: list[dict[str, object]]
    if answer.distances is None:
        items = [{"id": item, "distance": None, "score": None} for item in answer.item_ids]
    else:
        bits = answer.bits
        items = [
            {"id": item, "distance": distance, "score": bits - 2 * distance}
            for item, distance in zip(answer.item_ids, answer.distances, strict=True)
        ]
    if answer.explanations is not None and answer.item_codes is not None:
        explained = zip(items, answer.item_codes, answer.explanations, strict=True)
        for item, code, explanations in explained:
            item["code"] = code
            item["because"] = [
                {"id": reason.item_id, "distance": reason.distance} for reason in explanations
            ]
    return items


def _shortfall(answer: RankedItems) -> bytes:
    # Degraded responses, which have more members, are rendered from a document.
    return b',"shortfall":%d' % answer.shortfall if answer.shortfall else b""


def _shortcomings(answer: RankedItems) -> dict[str, int | bool]:
    members: dict[str, int | bool] = {"shortfall": answer.shortfall} if answer.shortfall else {}
    return members | ({"degraded": True} if answer.degraded else {})
