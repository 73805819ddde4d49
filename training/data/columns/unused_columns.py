"""What columns that are not read look like, and the option that reads them."""

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

# Numbers that say how much, but are not ratings: --min-rating does not read them by itself.
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
    """A line for each column that looks like a time, a rating or a type of events, and is ignored.

    Args:
        sample: the first rows of a source, with all columns.
        columns: those that are read.
        used: columns that other options read.
    """
    read = {columns.user, columns.item, columns.time} | used
    found = []
    for column in sample:
        if column.name in read or column.dtype.is_nested():
            continue
        if (hint := _hint(column, has_time=columns.time is not None)) is not None:
            found.append(hint)
    return found


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
                f"{name} looks like ratings, and every row counts alike: --min-rating N keeps the "
                f"high ones, --weight {_quoted(name)} weighs rows by them"
            )
        if short in _AMOUNTS or "rating" in short:
            return (
                f"{name} looks like amounts, and every row counts alike: "
                f"--where '{_quoted(name)} >= N' keeps the high ones, --weight {_quoted(name)} "
                "weighs rows by them"
            )
    if kind is ValueKind.TEXT and 1 <= len(distinct) <= _MAX_TYPES:
        known = distinct & _EVENTS
        if (short in EVENT_NAMES and len(distinct) < max(len(values) // 2, 2)) or len(known) > 1:
            # In one order, so that files whose rows differ get one text.
            types = sorted({value for value in values if value.strip()})
            weights = ",".join(f"{_quoted(value)}=N" for value in types[:_SHOWN_TYPES])
            weights += ",*=N" * (len(types) > _SHOWN_TYPES)
            return (
                f"{name} looks like types of events ({', '.join(types[:_SHOWN_TYPES])}), and every "
                f"row counts alike: --where '{_quoted(name)} = {_quoted(types[0])}' keeps some, "
                f"--weight '{_quoted(name)}:{weights}' weighs them"
            )
    return None


def _quoted(text: str) -> str:
    """A name or value as expressions take it."""
    return text if re.fullmatch(r"[\w.-]+", text) else f'"{text}"'
