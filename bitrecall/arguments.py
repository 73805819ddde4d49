"""Arguments of recommend and its kin, checked once for a model and for a client."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Mapping
from typing import Any, Final, SupportsIndex

from bitrecall.errors import ArgumentError

__all__ = ["check_k", "filter_json", "id_text", "id_texts"]

# Unicode's white space, which the service takes off ids. ``str.strip`` also takes U+001C to U+001F.
_WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def id_text(value: object, argument: str) -> str:
    """An id as text: without white space around it, and integers in decimal.

    Raises:
        ArgumentError: the value is neither text nor an integer, is empty, or is not valid Unicode.
    """
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, SupportsIndex):
            raise ArgumentError(
                f"{argument} has to be an id, text or an integer, not {_shown(value)}", argument
            )
        return str(operator.index(value))
    text = value.strip(_WHITE_SPACE)
    if not text:
        raise ArgumentError(f"{argument} is empty", argument)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ArgumentError(
                f"{argument} is not valid Unicode: {error.reason}", argument
            ) from None
    return text


def id_texts(values: Iterable[object], argument: str) -> list[str]:
    """Several ids as text, from any iterable but a text.

    Raises:
        ArgumentError: as ``id_text``, or the values are a single text or not iterable.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ArgumentError(
            f"{argument} has to be a list of ids, not {_shown(values)}; write [...] around one id",
            argument,
        )
    return [id_text(value, f"{argument}[{place}]") for place, value in enumerate(values)]


def check_k(k: object) -> int:
    """The number of items asked for. Raises ``ArgumentError`` unless it is an integer from 1 up."""
    if isinstance(k, bool) or not isinstance(k, SupportsIndex) or operator.index(k) < 1:
        raise ArgumentError(f"k has to be a whole number from 1 up, not {_shown(k)}", "k")
    return operator.index(k)


def filter_json(wanted: Mapping[str, Any]) -> bytes:
    """A filter as the JSON of a request's member ``filter``; sets and arrays become lists.

    Raises:
        ArgumentError: it is not a mapping, or holds what JSON cannot.
    """
    if not isinstance(wanted, Mapping):
        raise ArgumentError(
            f"filter has to be a dict such as {{'any_tags': ['noir']}}, not {_shown(wanted)}",
            "filter",
        )
    try:
        return json.dumps(
            dict(wanted), allow_nan=False, ensure_ascii=False, default=_plain
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"filter cannot be written as JSON: {error}", "filter") from None


def _plain(value: Any) -> Any:
    """What json cannot write itself: numbers of NumPy, sets and other iterables."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
