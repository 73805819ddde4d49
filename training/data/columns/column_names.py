"""Which columns of a table hold the user, the item and the time."""

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

# Compared in lower case, letters and digits only; of several that are there the earliest counts.
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
    """Names of the columns that are read; ``time`` is None if none is."""

    user: str
    item: str
    time: str | None


def find_columns(names: Sequence[str], options: ReadOptions, label: str | PathLike[str]) -> Columns:
    """Find the columns by the options' names, else by the common ones.

    White space around a name does not count. A name given in the options must be there as it is
    written; a common one may differ in case and punctuation (``User ID``, ``user_id``, ``userId``).

    Raises:
        DataError: a column is missing or ambiguous, or one column would serve twice.
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
            f"one column cannot be two of user ({user}), item ({item}) and time", file=label
        )
    return Columns(user, item, time)


def find_option_columns(
    names: Sequence[str], asked: Sequence[str], label: str | PathLike[str]
) -> dict[str, str]:
    """Columns that an option names: each name as asked for, and the column's own.

    A name that no column has letter for letter may differ in case and punctuation.

    Raises:
        DataError: there is no such column, or several.
    """
    found = {}
    for name in asked:
        matches = [one for one in names if one == name] or [
            one for one in names if normalise_name(one) == normalise_name(name)
        ]
        if len(matches) != 1:
            problem = f"{len(matches)} columns" if matches else "no column"
            raise DataError(
                f"has {problem} {name!r}; the columns are {', '.join(names)}"
                f"{did_you_mean(name, names)}",
                file=label,
            )
        found[name] = matches[0]
    return found


def find_item_column(names: Sequence[str], given: str | None, label: str | PathLike[str]) -> int:
    """Position of the column of ids in a table of items, where ``id`` may be its name too.

    Raises:
        DataError: as `find_columns`.
    """
    names = [name.strip() for name in names]
    return names.index(find_column(names, "item", given, (*ITEM_NAMES, "id"), label))


def find_column(
    names: Sequence[str],
    role: str,
    given: str | None,
    common: Sequence[str],
    label: str | PathLike[str],
) -> str:
    """The column of a role: the given one, else the first of the common ones.

    Raises:
        DataError: there is none, or there are several of that name.
    """
    more = f", ... ({len(names)} in all)" if len(names) > 40 else ""
    found = "the columns are " + ", ".join(names[:40]) + more
    option = f"--{role}-column"
    if given is not None:
        matches = [name for name in names if name == given]
        if not matches:
            raise DataError(
                f"has no column {given!r} ({option}); {found}{did_you_mean(given, names)}",
                file=label,
            )
    else:
        matches = _by_common_name(names, common)
        if not matches:
            raise DataError(
                f"has no {role} column under a common name; {found}. Name it with {option} NAME",
                file=label,
            )
    if len(set(matches)) < len(matches):
        raise DataError(
            f"has {len(matches)} columns called {matches[0]!r}; give them different names in the "
            f"file; {found}",
            file=label,
        )
    if len(matches) > 1:
        raise DataError(
            f"has {len(matches)} columns for the {role} ({', '.join(matches)}); name one of them "
            f"with {option}; {found}",
            file=label,
        )
    return matches[0]


def _by_common_name(names: Sequence[str], common: Sequence[str]) -> list[str]:
    """Columns of the first common name that there is; nested ones go by their last part."""
    for nested in (False, True):
        endings = {name: _endings(name) for name in names if nested == ("." in name)}
        for wanted in common:
            if found := [name for name in names if wanted in endings.get(name, ())]:
                return found
    return []


def _endings(name: str) -> set[str]:
    """The last part of a nested name, and the last two: ``user.id`` is a user's id."""
    # MongoDB writes {"user_id": {"$numberLong": "7"}}.
    parts = [part for part in name.split(".") if not part.startswith("$")] or [name]
    return {normalise_name(parts[-1]), normalise_name("".join(parts[-2:]))}


def normalise_name(name: str) -> str:
    """A name in lower case without spaces and punctuation, as common names are compared."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
