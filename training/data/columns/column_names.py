"""Find the columns of a table that contain the user, the item and the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

from bitrecall.suggestions import did_you_mean
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.errors import DataError

__all__ = [
    "EVENT_NAMES",
    "ITEM_NAMES",
    "RATING_NAMES",
    "TIME_NAMES",
    "USER_NAMES",
    "Columns",
    "find_column",
    "find_columns",
    "find_item_column",
    "find_option_columns",
    "normalise_name",
]

# Compared in lower case, letters and digits only. If a table has several, the first listed wins.
USER_NAMES = (
    *("userid", "user", "uid", "customerid", "customer", "visitorid", "visitor"),
    *("reviewerid", "reviewer", "memberid", "accountid", "clientid", "username"),
    *("userpseudoid", "customercode", "buyerid", "shopperid", "subscriberid", "personid"),
    *("playerid", "profileid", "steamid", "householdkey", "msno", "authorid", "anonymousid"),
    *("distinctid", "deviceid", "cookieid", "sessionid", "session"),
)
ITEM_NAMES = (
    *("itemid", "item", "iid", "productid", "product", "movieid", "movie", "businessid"),
    *("bookid", "book", "articleid", "trackid", "songid", "artistid", "videoid", "gameid"),
    *("recipeid", "locationid", "venueid", "poiid", "parentasin", "asin"),
    *("sku", "skuid", "isbn", "stockcode", "productcode", "itemcode", "variantid", "goodsid"),
    *("contentid", "newsid", "postid", "documentid", "docid", "pageid", "photoid", "photo"),
    *("courseid", "jobid", "hotelid", "placeid", "restaurantid", "listingid", "offerid"),
    *("couponid", "adid", "showid", "episodeid", "podcastid", "albumid", "filmid", "film"),
    *("animeid", "anime", "beerid", "appid", "clickarticleid", "song", "track", "artist"),
    *("game", "recipe", "article", "video", "ean", "gtin", "upc", "aid"),
)
TIME_NAMES = (
    *("timestamp", "time", "datetime", "ts", "eventtime", "createdat", "unixreviewtime"),
    *("eventtimestamp", "clicktimestamp", "timestampms", "servertime", "occurredat", "eventat"),
    *("playedat", "viewedat", "purchasedat", "orderedat", "ratedat", "checkintime"),
    *("createdtime", "created", "transactiondate", "transactiondt", "tdat", "orderdate"),
    *("invoicedate", "purchasedate", "reviewdate", "reviewtime", "ratingdate", "eventdate", "date"),
    *("dt", "ds", "day"),
    "at",
)
RATING_NAMES = (
    *("rating", "ratings", "stars", "star", "score", "overall", "reviewoverall", "bookrating"),
    *("ratingvalue", "starrating", "userrating", "ratingscore", "reviewscore", "reviewrating"),
    *("points", "grade"),
)
EVENT_NAMES = (
    *("event", "eventtype", "type", "action", "behavior", "behaviour", "behaviortype"),
    *("behaviourtype", "eventname", "interaction", "interactiontype", "actiontype", "activity"),
    *("operation", "verb", "kind"),
)


@dataclass(frozen=True)
class Columns:
    """Names of the columns to read; ``time`` is None if the table has no column of times."""

    user: str
    item: str
    time: str | None


def find_columns(names: Sequence[str], options: ReadOptions, label: str | PathLike[str]) -> Columns:
    """Find the columns by the names in the options, else by common names.

    White space around a name is ignored. A name from the options must match exactly. A common name
    may differ in case and punctuation (``User ID``, ``user_id``, ``userId``).

    Raises:
        DataError: a column is missing or ambiguous, or two roles would share a column.
    """
    names = [name.strip() for name in names]
    user = find_column(names, "user", options.user_column, USER_NAMES, label)
    item = find_column(names, "item", options.item_column, ITEM_NAMES, label)
    time = None
    if options.use_times and (
        options.time_column is not None or _by_common_name(names, TIME_NAMES)
    ):
        time = find_column(names, "time", options.time_column, TIME_NAMES, label)
    if len({user, item, time}) < 3:
        raise DataError(
            f"user ({user}), item ({item}) and time must be different columns", file=label
        )
    return Columns(user, item, time)


def find_option_columns(
    names: Sequence[str], requested: Sequence[str], label: str | PathLike[str]
) -> dict[str, str]:
    """Map each column name in an option to the name of the column.

    If no column matches exactly, a match may differ in case and punctuation.

    Raises:
        DataError: no column matches, or several do.
    """
    columns = {}
    for name in requested:
        matches = [column for column in names if column == name] or [
            column for column in names if normalise_name(column) == normalise_name(name)
        ]
        if len(matches) != 1:
            problem = f"{len(matches)} columns" if matches else "no column"
            raise DataError(
                f"has {problem} {name!r}; the columns are {', '.join(names)}"
                f"{did_you_mean(name, names)}",
                file=label,
            )
        columns[name] = matches[0]
    return columns


def find_item_column(
    names: Sequence[str], requested: str | None, label: str | PathLike[str]
) -> int:
    """Find the position of the id column in an item table, where ``id`` is a common name too.

    Raises:
        DataError: the column is missing or ambiguous.
    """
    names = [name.strip() for name in names]
    return names.index(find_column(names, "item", requested, (*ITEM_NAMES, "id"), label))


def find_column(
    names: Sequence[str],
    role: str,
    requested: str | None,
    common_names: Sequence[str],
    label: str | PathLike[str],
) -> str:
    """Find the column of a role: the requested one, else the first with a common name.

    Args:
        names: of all columns.
        role: ``user``, ``item``, ``time`` or ``rating``, for messages.
        requested: the name in the option of this role; None tries the common names.
        common_names: normalised, best first.
        label: the source, for messages.

    Raises:
        DataError: no column matches, or several do.
    """
    more = f", ... ({len(names)} in all)" if len(names) > 40 else ""
    available = f"the columns are {', '.join(names[:40])}{more}" if names else "it has no columns"
    option = f"--{role}-column"
    if requested is not None:
        matches = [name for name in names if name == requested]
        if not matches:
            raise DataError(
                f"has no column {requested!r} ({option}); {available}"
                f"{did_you_mean(requested, names)}",
                file=label,
            )
    else:
        matches = _by_common_name(names, common_names)
        if not matches:
            raise DataError(
                f"has no {role} column with a common name; {available}. Name it with {option} NAME",
                file=label,
            )
    if len(set(matches)) < len(matches):
        raise DataError(
            f"has {len(matches)} columns called {matches[0]!r}; give them different names in the "
            f"file; {available}",
            file=label,
        )
    if len(matches) > 1:
        raise DataError(
            f"has {len(matches)} columns for the {role} ({', '.join(matches)}); name one of them "
            f"with {option}; {available}",
            file=label,
        )
    return matches[0]


def _by_common_name(names: Sequence[str], common_names: Sequence[str]) -> list[str]:
    """Return the columns with the first common name in use; nested ones match by their ending."""
    for nested in (False, True):
        endings = {name: _endings(name) for name in names if nested == ("." in name)}
        for common in common_names:
            if matches := [name for name in names if common in endings.get(name, ())]:
                return matches
    return []


def _endings(name: str) -> set[str]:
    """Return the last part of a nested name, and the last two: ``user.id`` is a user's id."""
    # MongoDB writes {"user_id": {"$numberLong": "7"}}.
    parts = [part for part in name.split(".") if not part.startswith("$")] or [name]
    return {normalise_name(parts[-1]), normalise_name("".join(parts[-2:]))}


def normalise_name(name: str) -> str:
    """Reduce a name to its letters and digits in lower case, to compare it with common names."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
