"""The options of a query from the arguments of ``Model``, validated as in the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from bitrecall.arguments import check_flag, check_k, id_texts
from bitrecall.errors import ArgumentError
from bitrecall.index.errors import FilterError
from bitrecall.index.recommend.filter_schema import FilterRequest
from bitrecall.index.recommend.types import QueryOptions
from bitrecall.index.releases.filters import ItemFilter
from bitrecall.json_text import filter_json
from bitrecall.validation_messages import explain as explain_error

__all__ = ["query_options"]


def query_options(
    k: int,
    exclude_items: Iterable[str | int],
    conditions: Mapping[str, Any] | None,
    exclude_seen: bool = True,
    explain: bool = False,
) -> QueryOptions:
    """Check the arguments and convert ``conditions``, the argument ``filter``.

    Raises:
        ArgumentError: an argument is invalid.
        FilterError: the filter does not match the schema. The message has a JSON pointer to the
            error.
    """
    return QueryOptions(
        k=check_k(k),
        exclude_seen=check_flag(exclude_seen, "exclude_seen"),
        exclude_items=id_texts(exclude_items, "exclude_items"),
        allowed=None if conditions is None else _item_filter(conditions),
        explain=check_flag(explain, "explain"),
    )


def _item_filter(conditions: Mapping[str, Any]) -> ItemFilter | None:
    """Convert a dict to an ``ItemFilter``; None if it has no condition."""
    body = filter_json(conditions)
    try:
        return FilterRequest.model_validate_json(body).item_filter()
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        if problem["type"] == "json_invalid":
            raise ArgumentError(f"filter cannot be used: {problem['msg']}", "filter") from None
        pointer, detail = explain_error(problem, FilterRequest)
        raise FilterError(f"/filter{pointer}: {detail}", "") from None
