"""Which columns of a table hold the user, the item and the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.options import ReadOptions
from training.errors import DataError

__all__ = ["ITEM_NAMES", "TIME_NAMES", "USER_NAMES", "Columns", "find_columns", "find_item_column"]

# Compared in lower case, letters and digits only; of several that are there the earliest counts.
USER_NAMES = (
    *("userid", "user", "uid", "customerid", "customer", "visitorid", "visitor"),
    *("reviewerid", "reviewer", "memberid", "accountid", "clientid", "username"),
)
ITEM_NAMES = (
    *("itemid", "item", "iid", "productid", "product", "movieid", "movie", "businessid"),
    *("bookid", "book", "articleid", "trackid", "songid", "artistid", "videoid", "gameid"),
    *("recipeid", "locationid", "venueid", "poiid", "parentasin", "asin"),
)
TIME_NAMES = (
    *("timestamp", "time", "datetime", "ts", "eventtime", "createdat", "unixreviewtime"),
    "date",
)


@dataclass(frozen=True)
class Columns:
    """Positions, counted from 0, of the columns that are read; `time` is None where none is."""

    user: int
    item: int
    time: int | None
    width: int


def find_columns(names: Sequence[str], options: ReadOptions, file: Path) -> Columns:
    """Find the columns by the options' names, else by the common ones.

    White space around a name does not count. A name given in the options must be there as it is
    written; a common one may differ in case and punctuation (`User ID`, `user_id`, `userId`).

    Raises:
        DataError: there is no such column, or more than one, or one column would serve twice.
    """
    stripped = [name.strip() for name in names]
    user = _find(stripped, "user", options.user_column, USER_NAMES, file)
    item = _find(stripped, "item", options.item_column, ITEM_NAMES, file)
    time = None
    if options.use_times and (
        options.time_column is not None or any(_plain(name) in TIME_NAMES for name in stripped)
    ):
        time = _find(stripped, "time", options.time_column, TIME_NAMES, file)
    if len({user, item, time}) < 3:
        raise DataError(
            f"one column cannot be two of user ({stripped[user]}), item ({stripped[item]}) "
            "and time",
            file=file,
        )
    return Columns(user, item, time, len(names))


def find_item_column(names: Sequence[str], given: str | None, file: Path) -> int:
    """Find the column of ids in a table of items, where `id` may be its name too.

    Raises:
        DataError: as `find_columns`.
    """
    return _find([name.strip() for name in names], "item", given, (*ITEM_NAMES, "id"), file)


def _find(names: list[str], role: str, given: str | None, common: Sequence[str], file: Path) -> int:
    found_are = "the columns are " + ", ".join(names)
    if given is not None:
        places = [place for place, name in enumerate(names) if name == given]
        if not places:
            raise DataError(f"has no column {given!r} for the {role}; {found_are}", file=file)
    else:
        plain = [_plain(name) for name in names]
        known = next((name for name in common if name in plain), None)
        if known is None:
            raise DataError(
                f"has no column with a common name for the {role}; {found_are}. "
                f"Say which one it is with the option {role}_column",
                file=file,
            )
        places = [place for place, name in enumerate(plain) if name == known]
    if len(places) > 1:
        raise DataError(f"has {len(places)} columns for the {role}; {found_are}", file=file)
    return places[0]


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
