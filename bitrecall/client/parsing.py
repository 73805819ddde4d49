"""Convert the parsed JSON of responses to result types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from bitrecall.results import (
    Explanation,
    ItemInfo,
    PopularItem,
    PopularItems,
    Recommendation,
    Recommendations,
    SimilarItems,
    UserInfo,
)

__all__ = [
    "item_info",
    "popular_items",
    "recommendation_lists",
    "recommendations",
    "similar_items",
    "user_info",
]

Document: TypeAlias = Mapping[str, Any]


def recommendations(document: Document) -> Recommendations:
    """Convert a response of ``POST /recommend``."""
    return _for_user(document, document["k"], document["release_id"])


def recommendation_lists(document: Document) -> tuple[Recommendations, ...]:
    """Convert a response of ``POST /recommend/batch``."""
    k, release_id = document["k"], document["release_id"]
    return tuple(_for_user(part, k, release_id) for part in document["answers"])


def similar_items(document: Document) -> SimilarItems:
    """Convert a response of ``POST /similar``."""
    return SimilarItems(
        items=tuple(map(_item, document["items"])),
        k=document["k"],
        release_id=document["release_id"],
        item_id=document["item_id"],
    )


def popular_items(document: Document) -> PopularItems:
    """Convert a response of ``GET /popular``."""
    items = tuple(PopularItem(item["id"], item["popularity"]) for item in document["items"])
    return PopularItems(items, document["release_id"])


def user_info(document: Document) -> UserInfo:
    """Convert a response of ``GET /users/{id}``."""
    return UserInfo(
        id=document["id"],
        known=document["known"],
        seen=document["seen"],
        fresh=document["fresh"],
        items=tuple(document["items"]),
        release_id=document["release_id"],
    )


def item_info(document: Document) -> ItemInfo:
    """Convert a response of ``GET /items/{id}``."""
    return ItemInfo(
        id=document["id"],
        known=document["known"],
        popularity=document["popularity"],
        tags=tuple(document["tags"]),
        attributes=document["attributes"],
        release_id=document["release_id"],
    )


def _for_user(document: Document, k: int, release_id: str) -> Recommendations:
    return Recommendations(
        items=tuple(map(_item, document["items"])),
        k=k,
        release_id=release_id,
        user_id=document["user_id"],
        source=document["source"],
        degraded=document.get("degraded", False),
        code=document.get("code"),
    )


def _item(document: Document) -> Recommendation:
    because = document.get("because")
    return Recommendation(
        item_id=document["id"],
        distance=document["distance"],
        score=document["score"],
        code=document.get("code"),
        because=None
        if because is None
        else tuple(
            Explanation(item["id"], item["distance"], item.get("weight")) for item in because
        ),
        taken=document.get("taken"),
    )
