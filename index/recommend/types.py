"""The arguments and the result of a recommendation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bitrecall.index.fold_in.user_codes import CodeSource
from bitrecall.index.releases.filters import ItemFilter
from bitrecall.results import Explanation as Explanation


class QueryOptions(NamedTuple):
    """The options of a query: how many items, and which.

    Attributes:
        k: number of items; fewer are returned if fewer are allowed.
        exclude_seen: leave out the user's items.
        exclude_items: ids of items to leave out; unknown ids are ignored.
        allowed: filter on tags and attributes; None allows all items.
        explain: return codes, and explanations for each item.
    """

    k: int
    exclude_seen: bool = True
    exclude_items: Sequence[str] = ()
    allowed: ItemFilter | None = None
    explain: bool = False


@dataclass(frozen=True)
class History:
    """Items of a user, from the request.

    Attributes:
        item_ids: the newest last; unknown ids are ignored, and repetitions count only if the
            release has repeats and ``exclude_seen`` is off.
        instead: use these items instead of the known ones; otherwise in addition.
    """

    item_ids: Sequence[str]
    instead: bool = True


class RankedItems(NamedTuple):
    """The items for a user, or similar to an item, best first.

    Attributes:
        user_id: id of the user; None for an anonymous user and for similar items.
        k: how many items were requested.
        item_ids: ids of the items.
        distances: Hamming distance in bits per item; None if the source is "popular".
        bits: code length in bits.
        release_id: id of the release.
        source: what the user's code was made from.
        degraded: the search server did not respond, and these are the most popular items instead.
        code: the user's code in hexadecimal; None without a code, or if ``explain`` was off.
        item_codes: each item's code in hexadecimal; None if ``explain`` was off.
        explanations: for each item the user's nearest items; None if ``explain`` was off.
        taken: for each item how often the user took it; None if ``explain`` was off, or if own
            items have no place of their own.
    """

    user_id: str | None
    k: int
    item_ids: Sequence[str]
    distances: Sequence[int] | None
    bits: int
    release_id: str
    source: CodeSource
    degraded: bool = False
    code: str | None = None
    item_codes: Sequence[str] | None = None
    explanations: Sequence[Sequence[Explanation]] | None = None
    taken: Sequence[int] | None = None

    @property
    def shortfall(self) -> int:
        """How many of the ``k`` items are missing."""
        return self.k - len(self.item_ids)
