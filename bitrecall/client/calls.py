"""The requests of each client method, and the parsers of their responses. No network I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar
from urllib.parse import quote

from bitrecall.arguments import (
    check_flag,
    check_k,
    check_prefix,
    id_text,
    id_texts,
    user_and_history,
)
from bitrecall.client.parsing import (
    item_info,
    popular_items,
    recommendation_lists,
    recommendations,
    similar_items,
    user_info,
)
from bitrecall.errors import ArgumentError
from bitrecall.json_text import filter_json
from bitrecall.results import ItemInfo, PopularItems, Recommendations, SimilarItems, UserInfo

__all__ = [
    "Call",
    "find",
    "forget",
    "item",
    "popular",
    "recommend",
    "recommend_many",
    "similar",
    "user",
]

Result = TypeVar("Result")

# Limit per request of a service with default settings.
_MAX_ITEMS: Final = 100_000
# Bytes of an id in a URL; httpx and the service have limits of 65,536 for more than the id.
_MAX_QUOTED: Final = 60_000
# An item with an explanation counts as this many items.
_EXPLAINED_ITEM_COST: Final = 10


@dataclass(frozen=True)
class Call(Generic[Result]):
    """A request, and how to parse its response.

    Attributes:
        method: the HTTP method.
        path: path and query, percent-encoded.
        parse: converts the parsed JSON of the response to the result.
        body: the body as JSON, or None.
    """

    method: str
    path: str
    parse: Callable[[Any], Result]
    body: bytes | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that describe the body."""
        return {} if self.body is None else {"Content-Type": "application/json"}


def recommend(
    user_id: str | int | None,
    k: int,
    *,
    exclude_seen: bool,
    exclude_items: Iterable[str | int],
    conditions: Mapping[str, Any] | None,
    history: Iterable[str | int] | None,
    history_mode: str,
    explain: bool,
) -> Call[Recommendations]:
    """Return the call of ``POST /recommend``.

    In this and the other functions, the arguments are those of the methods of ``Model``, and
    ``conditions`` is the argument ``filter``.

    Raises:
        ArgumentError: an argument is invalid.
    """
    user, item_ids = user_and_history(user_id, history, history_mode)
    members = _options(k, exclude_items) | _flags(exclude_seen, explain)
    if user is not None:
        members["user_id"] = user
    if item_ids is not None:
        members |= {"history": item_ids, "history_mode": history_mode}
    return Call("POST", "/recommend", recommendations, _body(members, conditions))


def recommend_many(
    user_ids: Iterable[str | int],
    k: int,
    *,
    exclude_seen: bool,
    exclude_items: Iterable[str | int],
    conditions: Mapping[str, Any] | None,
    explain: bool,
    batch_size: int,
) -> Iterator[Call[tuple[Recommendations, ...]]]:
    """Return the calls of ``POST /recommend/batch``, one per batch of users.

    Raises:
        ArgumentError: an argument is invalid.
    """
    users = id_texts(user_ids, "user_ids")
    members = _options(k, exclude_items) | _flags(exclude_seen, explain)
    cost = members["k"] * (_EXPLAINED_ITEM_COST if explain else 1)
    size = max(1, min(batch_size, _MAX_ITEMS // cost))
    # A list, so that arguments are checked before the first request is sent.
    bodies = [
        _body(members | {"user_ids": users[start : start + size]}, conditions)
        for start in range(0, len(users), size)
    ]
    return (Call("POST", "/recommend/batch", recommendation_lists, body) for body in bodies)


def similar(
    item_id: str | int,
    k: int,
    *,
    exclude_items: Iterable[str | int],
    conditions: Mapping[str, Any] | None,
) -> Call[SimilarItems]:
    """Return the call of ``POST /similar``.

    Raises:
        ArgumentError: an argument is invalid.
    """
    members = {"item_id": id_text(item_id, "item_id"), **_options(k, exclude_items)}
    return Call("POST", "/similar", similar_items, _body(members, conditions))


def popular(k: int) -> Call[PopularItems]:
    """Return the call of ``GET /popular``.

    Raises:
        ArgumentError: ``k`` is invalid.
    """
    return Call("GET", f"/popular?k={check_k(k)}", popular_items)


def user(user_id: str | int) -> Call[UserInfo]:
    """Return the call of ``GET /users/{id}``.

    Raises:
        ArgumentError: the id is invalid.
    """
    return Call("GET", "/users/" + _segment(id_text(user_id, "user_id"), "user_id"), user_info)


def item(item_id: str | int) -> Call[ItemInfo]:
    """Return the call of ``GET /items/{id}``.

    Raises:
        ArgumentError: the id is invalid.
    """
    return Call("GET", "/items/" + _segment(id_text(item_id, "item_id"), "item_id"), item_info)


def find(kind: Literal["users", "items"], prefix: str, k: int) -> Call[list[str]]:
    """Return the call of ``GET /users`` or ``GET /items``.

    Raises:
        ArgumentError: the prefix or ``k`` is invalid.
    """
    path = f"/{kind}?k={check_k(k)}&prefix={_quoted(check_prefix(prefix), 'prefix')}"
    return Call("GET", path, lambda document: list(document["ids"]))


def forget(user_id: str | int) -> Call[int]:
    """Return the call of ``DELETE /users/{id}``; its result is the number of deleted events.

    Raises:
        ArgumentError: the id is invalid.
    """
    path = "/users/" + _segment(id_text(user_id, "user_id"), "user_id")
    return Call("DELETE", path, lambda document: int(document["events"]))


def _options(k: int, exclude_items: Iterable[str | int]) -> dict[str, Any]:
    return {"k": check_k(k), "exclude_items": id_texts(exclude_items, "exclude_items")}


def _flags(exclude_seen: bool, explain: bool) -> dict[str, Any]:
    return {
        "exclude_seen": check_flag(exclude_seen, "exclude_seen"),
        "explain": check_flag(explain, "explain"),
    }


def _body(members: Mapping[str, Any], conditions: Mapping[str, Any] | None) -> bytes:
    body = json.dumps(members).encode()
    if conditions is None:
        return body
    return b'%b,"filter":%b}' % (body[:-1], filter_json(conditions))


def _segment(text: str, argument: str) -> str:
    """Percent-encode an id as a path segment; also ``.`` and ``..``, which URLs resolve."""
    return text.replace(".", "%2E") if text in (".", "..") else _quoted(text, argument)


def _quoted(text: str, argument: str) -> str:
    quoted = quote(text, safe="")
    if len(quoted) > _MAX_QUOTED:
        raise ArgumentError(
            f"{argument} is too long: {len(text):,} characters are "
            f"{len(quoted):,} bytes in a URL; the limit is {_MAX_QUOTED:,}",
            argument,
        )
    return quoted
