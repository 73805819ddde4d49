"""Rendering of recommendations as JSON.

It uses plain dicts: creating the models of ``bitrecall.service.api.schemas`` would cost more than
the search.
"""

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from bitrecall.index.recommend.types import Explanation, RankedItems
from bitrecall.index.search.native_module import native


def render(result: RankedItems) -> bytes:
    """The items for one user, as a ``RecommendResponse``."""
    if native is not None and result.distances is not None and result.explanations is None:
        return b'{"user_id":%b,"k":%d,"items":%b,"release_id":"%b","source":"%b"%b}' % (
            to_json(result.user_id),
            result.k,
            native.items_json(result.item_ids, result.distances, result.bits),
            result.release_id.encode(),
            result.source.encode(),
            _shortfall(result),
        )
    document: dict[str, Any] = {"user_id": result.user_id, "k": result.k, "items": _items(result)}
    document |= {"release_id": result.release_id, "source": result.source}
    if result.explanations is not None:
        document["code"] = result.code
    return to_json(document | _optional_members(result))


def render_batch_entry(result: RankedItems) -> bytes:
    """The items for one user of a batch, as a ``BatchAnswer``."""
    if native is not None and result.distances is not None and result.explanations is None:
        return b'{"user_id":%b,"items":%b,"source":"%b"%b}' % (
            to_json(result.user_id),
            native.items_json(result.item_ids, result.distances, result.bits),
            result.source.encode(),
            _shortfall(result),
        )
    document: dict[str, Any] = {"user_id": result.user_id, "items": _items(result)}
    document["source"] = result.source
    if result.explanations is not None:
        document["code"] = result.code
    return to_json(document | _optional_members(result))


def render_batch(entries: Sequence[bytes], k: int, release_id: str) -> bytes:
    """A ``BatchResponse`` of entries that ``render_batch_entry`` rendered."""
    joined = b",".join(entries)
    return b'{"answers":[%b],"k":%d,"release_id":"%b"}' % (joined, k, release_id.encode())


def render_similar(item_id: str, result: RankedItems) -> bytes:
    """The items similar to an item, as a ``SimilarResponse``."""
    document: dict[str, Any] = {"item_id": item_id, "k": result.k, "items": _items(result)}
    return to_json(document | {"release_id": result.release_id} | _optional_members(result))


def _items(result: RankedItems) -> list[dict[str, object]]:
    items: list[dict[str, object]]
    if result.distances is None:
        items = [{"id": item, "distance": None, "score": None} for item in result.item_ids]
    else:
        bits = result.bits
        items = [
            {"id": item, "distance": distance, "score": bits - 2 * distance}
            for item, distance in zip(result.item_ids, result.distances, strict=True)
        ]
    if result.explanations is not None and result.item_codes is not None:
        explained = zip(items, result.item_codes, result.explanations, strict=True)
        for item, code, explanations in explained:
            item["code"] = code
            item["because"] = [_reason(explanation) for explanation in explanations]
    if result.taken is not None:
        for item, taken in zip(items, result.taken, strict=True):
            item["taken"] = taken
    return items


def _reason(explanation: Explanation) -> dict[str, Any]:
    document: dict[str, Any] = {"id": explanation.item_id, "distance": explanation.distance}
    return document if explanation.weight is None else document | {"weight": explanation.weight}


def _shortfall(result: RankedItems) -> bytes:
    # Degraded responses, which have more members, are rendered from a document.
    return b',"shortfall":%d' % result.shortfall if result.shortfall else b""


def _optional_members(result: RankedItems) -> dict[str, int | bool]:
    members: dict[str, int | bool] = {"shortfall": result.shortfall} if result.shortfall else {}
    return members | ({"degraded": True} if result.degraded else {})
