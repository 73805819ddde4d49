"""What is asked, and what is answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bitrecall.index.fold_in.user_codes import CodeSource
from bitrecall.index.releases.filters import ItemFilter


class QueryOptions(NamedTuple):
    """How many items, and which not.

    Attributes:
        k: how many; fewer come back when fewer are allowed.
        exclude_seen: leave out what the user is known to have.
        exclude_items: ids of items to leave out; ones that nobody knows do no harm.
        allowed: what items have to be; None asks nothing.
        explain: say for each item which of the user's own it is like.
    """

    k: int
    exclude_seen: bool = True
    exclude_items: Sequence[str] = ()
    allowed: ItemFilter | None = None
    explain: bool = False


@dataclass(frozen=True)
class History:
    """Items that the asker says a user has.

    Attributes:
        item_ids: newest last; ones that nobody knows, and repetitions, do no harm.
        instead: in place of what is known of the user, or in addition to it.
    """

    item_ids: Sequence[str]
    instead: bool = True


@dataclass(frozen=True)
class Reason:
    """An item of the user's own that a recommended one is like.

    ``distance`` is that of the two codes, in bits.
    """

    item_id: str
    distance: int


class Answer(NamedTuple):
    """The items for one user, best first.

    ``distances`` are Hamming distances in bits, one an item; None when the source is "popular".
    ``degraded`` says that the search did not answer, so that the most popular items stand in for
    the nearest. ``bits`` is the length of a code. When an explanation was asked for, ``code`` is
    that of the user in hexadecimal (None when there is none), ``item_codes`` those of the items,
    and ``reasons`` those of each item, nearest first; else all of them are None.
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
    reasons: Sequence[Sequence[Reason]] | None = None

    @property
    def shortfall(self) -> int:
        """How many of the k items are lacking."""
        return self.k - len(self.item_ids)
