"""Serialize arguments as JSON for a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bitrecall.errors import ArgumentError

__all__ = ["filter_json", "json_text"]


def filter_json(conditions: Mapping[str, Any]) -> bytes:
    """Serialize a filter as the member ``filter`` of a request; sets and arrays become lists.

    Raises:
        ArgumentError: it is not a mapping, or JSON cannot represent a value.
    """
    if not isinstance(conditions, Mapping):
        raise ArgumentError(
            f"filter has to be a dict such as {{'any_tags': ['noir']}}, not "
            f"{type(conditions).__name__}",
            "filter",
        )
    return json_text(conditions, "filter")


def json_text(members: Mapping[str, Any], argument: str) -> bytes:
    """Serialize a mapping as JSON in UTF-8; sets and arrays become lists.

    Args:
        members: the members of the JSON object.
        argument: name of the argument, for error messages.

    Raises:
        ArgumentError: JSON cannot represent a value, such as NaN.
    """
    try:
        return json.dumps(
            dict(members), allow_nan=False, ensure_ascii=False, default=_json_value
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"{argument} cannot be written as JSON: {error}", argument) from None


def _json_value(value: Any) -> Any:
    """Convert a value that ``json`` does not support: a mapping, NumPy value or set."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    raise TypeError(f"JSON has no type for {type(value).__name__}")
