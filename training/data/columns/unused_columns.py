"""Hints at columns that are not read and look useful, with the option that reads them."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from bitrecall.training.data.columns.column_names import (
    EVENT_NAMES,
    RATING_NAMES,
    Columns,
    normalise_name,
)
from bitrecall.training.data.columns.value_kinds import ValueKind, kind_of

__all__ = ["unused_column_hints"]

# Columns of amounts. They are not ratings, so --min-rating does not find them by name.
_AMOUNTS: Final = {
    *("playcount", "plays", "listencount", "listens", "hours", "hoursplayed", "quantity"),
    *("count", "preference", "weight"),
}
_EVENTS: Final = {
    *("view", "views", "pageview", "pv", "click", "clicks", "clicked", "cart", "carts"),
    *("addtocart", "basket", "buy", "buys", "purchase", "purchases", "order", "orders"),
    *("transaction", "like", "liked", "dislike", "share", "favorite", "fav", "wishlist", "play"),
    *("impression", "viewitem", "detail", "rate", "rated", "removefromcart", "checkout"),
}
_MAX_TYPES: Final = 30
_SHOWN_TYPES: Final = 3


def unused_column_hints(sample: pl.DataFrame, columns: Columns, used: frozenset[str]) -> list[str]:
    """Describe each unused column that looks like times, ratings, amounts or event types.

    Args:
        sample: the first rows of a source, with all columns.
        columns: the columns of user, item and time.
        used: columns that other options read.
    """
    read = {columns.user, columns.item, columns.time} | used
    hints = []
    for column in sample:
        if column.name in read or column.dtype.is_nested():
            continue
        if (hint := _hint(column, has_time=columns.time is not None)) is not None:
            hints.append(hint)
    return hints


def _hint(column: pl.Series, *, has_time: bool) -> str | None:
    name = column.name
    instants = column.dtype in (pl.Date, pl.Datetime)
    values = [] if instants else column.drop_nulls().cast(pl.String).to_list()
    kind = ValueKind.TIME if instants else kind_of(values)
    short = normalise_name(name.rpartition(".")[2])
    if kind is ValueKind.TIME and values + [None] * instants:
        return None if has_time else f"{name} looks like times: --time-column {name} reads them"
    distinct = {normalise_name(value) for value in values if value.strip()}
    if kind in (ValueKind.RATING, ValueKind.INTEGER, ValueKind.NUMBER):
        if short in RATING_NAMES:
            return (
                f"{name} looks like ratings, but every row counts equally: --min-rating N keeps "
                f"the high ones, --weight {_quoted(name)} weights rows by them"
            )
        if short in _AMOUNTS or "rating" in short:
            return (
                f"{name} looks like amounts, but every row counts equally: "
                f"--where '{_quoted(name)} >= N' keeps the high ones, --weight {_quoted(name)} "
                "weights rows by them"
            )
    if kind is ValueKind.TEXT and 1 <= len(distinct) <= _MAX_TYPES:
        known = distinct & _EVENTS
        if (short in EVENT_NAMES and len(distinct) < max(len(values) // 2, 2)) or len(known) > 1:
            # Sorted, so that files with different rows get the same text.
            types = sorted({value for value in values if value.strip()})
            weights = ",".join(f"{_quoted(value)}=N" for value in types[:_SHOWN_TYPES])
            weights += ",*=N" * (len(types) > _SHOWN_TYPES)
            return (
                f"{name} looks like event types ({', '.join(types[:_SHOWN_TYPES])}), but every "
                f"row counts equally: --where '{_quoted(name)} = {_quoted(types[0])}' keeps some, "
                f"--weight '{_quoted(name)}:{weights}' weights them"
            )
    return None


def _quoted(text: str) -> str:
    """Quote a name or value for an expression if necessary."""
    return text if re.fullmatch(r"[\w.-]+", text) else f'"{text}"'
