"""What columns that are not read look like, and the option that reads them."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from training.data.cells import Kind, kind_of
from training.data.columns import Columns, plain

__all__ = ["hints"]

_RATINGS: Final = {
    *("rating", "ratings", "stars", "star", "score", "overall", "bookrating", "userrating"),
    *("reviewrating", "grade", "preference", "playcount", "plays", "listencount", "listens"),
    *("hours", "hoursplayed", "quantity", "count", "weight"),
}
_TYPES: Final = {
    *("event", "eventtype", "eventname", "action", "actiontype", "behavior", "behaviour"),
    *("behaviortype", "interaction", "interactiontype", "activity", "type", "operation", "verb"),
}
_EVENTS: Final = {
    *("view", "views", "pageview", "pv", "click", "clicks", "clicked", "cart", "carts"),
    *("addtocart", "basket", "buy", "buys", "purchase", "purchases", "order", "orders"),
    *("transaction", "like", "liked", "dislike", "share", "favorite", "fav", "wishlist", "play"),
    *("impression", "viewitem", "detail", "rate", "rated", "removefromcart", "checkout"),
}
_MOST_TYPES: Final = 30


def hints(sample: pl.DataFrame, columns: Columns, used: frozenset[str]) -> list[str]:
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
    kind = Kind.TIME if instants else kind_of(values)
    short = plain(name.rpartition(".")[2])
    if kind is Kind.TIME and values + [None] * instants:
        return None if has_time else f"{name} looks like times: --time-column {name} reads them"
    distinct = {plain(value) for value in values if value.strip()}
    if kind in (Kind.RATING, Kind.INTEGER, Kind.NUMBER) and (
        short in _RATINGS or (kind is Kind.RATING and "rating" in short)
    ):
        return (
            f"{name} looks like ratings, and every row counts alike: --min-rating N keeps the high "
            f"ones, --weight {name} weighs rows by them"
        )
    if kind is Kind.TEXT and 1 <= len(distinct) <= _MOST_TYPES:
        known = distinct & _EVENTS
        if (short in _TYPES and len(distinct) < max(len(values) // 2, 2)) or len(known) > 1:
            shown = ", ".join(list(dict.fromkeys(values))[:3])
            first = next(value for value in values if value.strip())
            if not re.fullmatch(r"[\w.-]+", first):
                first = f'"{first}"'
            return (
                f"{name} looks like types of events ({shown}), and every row counts alike: "
                f"--where '{name} = {first}' keeps some, --weight '{name}:{first}=1' weighs them"
            )
    return None
