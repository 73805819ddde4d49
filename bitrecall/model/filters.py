"""Filters as callers in Python write them, checked as the service checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bitrecall.arguments import filter_json
from bitrecall.errors import ArgumentError
from bitrecall.index.errors import FilterError
from bitrecall.index.recommend.filter_schema import FilterRequest
from bitrecall.index.releases.filters import ItemFilter
from bitrecall.validation_messages import explain

__all__ = ["item_filter"]


def item_filter(wanted: Mapping[str, Any]) -> ItemFilter | None:
    """The filter that a mapping says; None if it asks for nothing.

    Raises:
        ArgumentError: it cannot be written as JSON.
        FilterError: it is not a filter; the message has the JSON pointer to what is wrong.
    """
    body = filter_json(wanted)
    try:
        return FilterRequest.model_validate_json(body).item_filter()
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        if problem["type"] == "json_invalid":
            raise ArgumentError(f"filter cannot be used: {problem['msg']}", "filter") from None
        place, detail = explain(problem, FilterRequest)
        where = f"/filter{place}"
        raise FilterError(f"{where}: {detail}", "") from None
