"""Checks of arguments that ``Model`` and the clients share."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from contextlib import suppress
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Final, SupportsIndex

from bitrecall.errors import ArgumentError

__all__ = [
    "check_count",
    "check_flag",
    "check_k",
    "check_ks",
    "check_number",
    "check_path",
    "check_prefix",
    "check_text",
    "id_text",
    "id_texts",
    "user_and_history",
]

# Unicode white space, which the service strips from ids. ``str.strip`` also strips U+001C to
# U+001F.
_WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

# The longest lists to evaluate; as in ``bitrecall evaluate``.
_MAX_LENGTH: Final = 1_000_000


def id_text(value: object, argument: str) -> str:
    """Convert an id to text: strip white space, and write integers in decimal.

    Args:
        value: a string or an integer.
        argument: name of the argument, for error messages.

    Raises:
        ArgumentError: the value is neither text nor an integer, is empty, or is not valid Unicode.
    """
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, SupportsIndex):
            raise ArgumentError(
                f"{argument} has to be an id (text or an integer), not {_shown(value)}", argument
            )
        return str(operator.index(value))
    text = value.strip(_WHITE_SPACE)
    if not text:
        raise ArgumentError(f"{argument} is empty", argument)
    return _unicode(text, argument)


def id_texts(values: Iterable[object], argument: str) -> list[str]:
    """Convert ids to text, as ``id_text`` does.

    Raises:
        ArgumentError: an id is invalid, or ``values`` is a single text or not iterable.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ArgumentError(
            f"{argument} has to be a list of ids, not {_shown(values)}; write [...] around one id",
            argument,
        )
    return [id_text(value, f"{argument}[{index}]") for index, value in enumerate(values)]


def user_and_history(
    user_id: object, history: Iterable[object] | None, history_mode: object
) -> tuple[str | None, list[str] | None]:
    """Check the arguments of ``recommend`` that describe the user.

    Returns:
        The user's id and the ids of the history; None for one that was not passed.

    Raises:
        ArgumentError: both are missing, an id is invalid, or the mode is unknown.
    """
    if user_id is None and history is None:
        raise ArgumentError("recommend needs a user_id or a history", "user_id")
    if history_mode not in ("instead", "add"):
        raise ArgumentError(
            f"history_mode has to be 'instead' or 'add', not {history_mode!r}", "history_mode"
        )
    return (
        None if user_id is None else id_text(user_id, "user_id"),
        None if history is None else id_texts(history, "history"),
    )


def check_count(value: object, argument: str, minimum: int = 1) -> int:
    """Return a number of things as an int.

    Raises:
        ArgumentError: it is not an integer, or is below the minimum.
    """
    number = None
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        with suppress(TypeError):  # arrays have the method, but most are not integers
            number = operator.index(value)
    if number is None or number < minimum:
        raise ArgumentError(
            f"{argument} has to be an integer of at least {minimum}, not {_shown(value)}", argument
        )
    return number


def check_k(k: object) -> int:
    """Return the number of requested items as an int.

    Raises:
        ArgumentError: it is not an integer of at least 1.
    """
    return check_count(k, "k")


def check_ks(ks: object) -> list[int]:
    """Return the list lengths to evaluate as ints.

    Raises:
        ArgumentError: they are not a list of integers from 1 to 1,000,000, or the list is empty.
    """
    lengths = [] if isinstance(ks, str) or not isinstance(ks, Iterable) else list(map(check_k, ks))
    if not lengths or max(lengths) > _MAX_LENGTH:
        raise ArgumentError(
            f"ks has to be a list of integers from 1 to {_MAX_LENGTH:,}, such as [20, 50], not "
            f"{_shown(ks)}",
            "ks",
        )
    return lengths


def check_flag(value: object, argument: str) -> bool:
    """Return a flag as a bool.

    Raises:
        ArgumentError: it is neither True nor False.
    """
    if isinstance(value, bool):
        return value
    # Not isinstance: clients work without NumPy.
    if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise ArgumentError(f"{argument} has to be True or False, not {_shown(value)}", argument)


def check_path(value: object, argument: str) -> Path:
    """Return a path that was passed as text or as a path object.

    Raises:
        ArgumentError: it is neither, or it is empty: usually a variable without a value, so that
            the current folder is not what the caller wants.
    """
    if value == "" or not isinstance(value, str | PathLike):
        raise ArgumentError(
            f"{argument} has to be a path such as './{argument}', not {_shown(value)}", argument
        )
    return Path(value)


def check_prefix(prefix: object) -> str:
    """Return the prefix of ids.

    Raises:
        ArgumentError: it is not text, or is not valid Unicode.
    """
    return _unicode(check_text(prefix, "prefix"), "prefix")


def check_text(value: object, argument: str, example: str | None = None) -> str:
    """Return a value that has to be text.

    Args:
        value: the value.
        argument: name of the argument, for error messages.
        example: a valid value, for error messages.

    Raises:
        ArgumentError: it is not text.
    """
    if isinstance(value, str):
        return value
    such_as = f" such as {example!r}" if example else ""
    raise ArgumentError(f"{argument} has to be text{such_as}, not {_shown(value)}", argument)


def check_number(value: object, argument: str, minimum: float | None = None) -> float:
    """Return a number as a float.

    Raises:
        ArgumentError: it is not a number, or is below the minimum.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, Real)
        or math.isnan(value)
        or (minimum is not None and value < minimum)
    ):
        least = "" if minimum is None else f" of at least {minimum:g}"
        raise ArgumentError(f"{argument} has to be a number{least}, not {_shown(value)}", argument)
    return float(value)


def _unicode(text: str, argument: str) -> str:
    """Return ``text`` unchanged. Raises ``ArgumentError`` if UTF-8 cannot represent it."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ArgumentError(
                f"{argument} is not valid Unicode: {error.reason}", argument
            ) from None
    return text


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
