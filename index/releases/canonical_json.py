"""Canonical JSON: one text, and one hash, for the same values."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from bitrecall.index.errors import ReleaseContentsError


def dump(fields: Mapping[str, Any], indent: int | None = None) -> str:
    """Return an object as JSON, with sorted keys and Unicode not escaped.

    Args:
        fields: the members; values are plain JSON values.
        indent: spaces per level; None for a single line without spaces.

    Raises:
        ReleaseContentsError: a value is NaN, infinite, or not a JSON value.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        return json.dumps(
            fields,
            allow_nan=False,
            ensure_ascii=False,
            indent=indent,
            separators=separators,
            sort_keys=True,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ReleaseContentsError(f"the manifest cannot be written as JSON: {error}") from error


def sha256_of_fields(fields: Mapping[str, Any]) -> str:
    """Return the sha256, in hexadecimal, of an object's canonical JSON in a single line.

    Raises:
        ReleaseContentsError: as in ``dump``.
        UnicodeEncodeError: a text is not valid Unicode.
    """
    return hashlib.sha256(dump(fields).encode()).hexdigest()


def parse(text: str) -> Any:
    """Parse JSON. Raises ValueError or RecursionError; NaN and infinity are not JSON."""
    return json.loads(text, parse_constant=_reject_constant, parse_float=_finite)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large for a 64-bit float")
    return value


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
