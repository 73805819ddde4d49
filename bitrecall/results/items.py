"""Lists of items: for a user, for many users, like an item, and the most popular."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, overload

from bitrecall.results.table import Table

__all__ = [
    "Explanation",
    "PopularItem",
    "PopularItems",
    "Recommendation",
    "RecommendationLists",
    "Recommendations",
    "SimilarItems",
    "Source",
]

Source: TypeAlias = Literal["codes", "codes+history", "history", "popular"]

Row = TypeVar("Row")


class Explanation(NamedTuple):
    """An item of the user's own that a recommended item is like.

    ``distance`` is that of the two items' codes, in bits.
    """

    item_id: str
    distance: int


class Recommendation(NamedTuple):
    """One item of a list.

    Attributes:
        item_id: its id.
        distance: Hamming distance to the code of the user or item asked about, in bits; None in a
            list of popular items.
        score: inner product of the two codes, bits - 2 * distance; None likewise.
        code: the item's code in hexadecimal, if an explanation was asked for.
        because: the user's own items that it is most like, nearest first, if asked for.
    """

    item_id: str
    distance: int | None
    score: int | None
    code: str | None = None
    because: tuple[Explanation, ...] | None = None


@dataclass(frozen=True, repr=False)
class _Items(Table, Sequence[Row]):
    """A list of items that reads as a sequence."""

    items: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        return self.items[place]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.items)


@dataclass(frozen=True, repr=False)
class _NearItems(_Items[Recommendation]):
    """Items by their distance from a code."""

    k: int
    release_id: str

    @property
    def item_ids(self) -> list[str]:
        """The ids of the items, best first."""
        return [item.item_id for item in self.items]

    @property
    def shortfall(self) -> int:
        """How many of the ``k`` items are lacking, because no more are allowed."""
        return self.k - len(self.items)

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        columns: dict[str, Sequence[Any]] = {
            "item_id": self.item_ids,
            "distance": [item.distance for item in self.items],
            "score": [item.score for item in self.items],
        }
        if any(item.because is not None for item in self.items):
            columns["because"] = [
                ", ".join(one.item_id for one in item.because or ()) for item in self.items
            ]
        return columns


@dataclass(frozen=True, repr=False)
class Recommendations(_NearItems):
    """The items for one user, best first; a sequence of ``Recommendation``.

    Attributes:
        items: at most ``k`` of them.
        k: how many were asked for.
        release_id: the release that answered.
        user_id: the user; None if only a history was given.
        source: what the items were ranked by: the code of training (``codes``), that and newer
            items (``codes+history``), the items alone (``history``), or nothing (``popular``).
        degraded: whether the search did not answer, so that popular items stand in.
        code: the user's code in hexadecimal, if an explanation was asked for and there is one.
    """

    user_id: str | None
    source: Source
    degraded: bool = False
    code: str | None = None

    def _title(self) -> str:
        whom = "a history" if self.user_id is None else self.user_id
        degraded = ", the search did not answer" if self.degraded else ""
        short = f", {self.shortfall} fewer than asked for" if self.shortfall else ""
        return f"{len(self)} items for {whom} by {self.source}{degraded}{short}"


@dataclass(frozen=True, repr=False)
class SimilarItems(_NearItems):
    """The items like one item, best first; ``item_id`` is the item asked about."""

    item_id: str

    def _title(self) -> str:
        short = f", {self.shortfall} fewer than asked for" if self.shortfall else ""
        return f"{len(self)} items like {self.item_id}{short}"


class PopularItem(NamedTuple):
    """One of the most popular items; ``popularity`` counts its interactions in training."""

    item_id: str
    popularity: int


@dataclass(frozen=True, repr=False)
class PopularItems(_Items[PopularItem]):
    """The most popular items, the most popular first."""

    release_id: str

    @property
    def item_ids(self) -> list[str]:
        """The ids of the items, the most popular first."""
        return [item.item_id for item in self.items]

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {
            "item_id": self.item_ids,
            "popularity": [item.popularity for item in self.items],
        }

    def _title(self) -> str:
        return f"the {len(self)} most popular items"


@dataclass(frozen=True, repr=False)
class RecommendationLists(_Items[Recommendations]):
    """The items for several users, in the order asked for; a sequence of ``Recommendations``.

    As a table it has a row for each user and item.
    """

    def for_user(self, user_id: str) -> Recommendations:
        """The list of one user. Raises ``KeyError`` if the user was not asked for."""
        for one in self.items:
            if one.user_id == user_id:
                return one
        raise KeyError(user_id)

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        rows = [(one.user_id, rank, item) for one in self for rank, item in enumerate(one, 1)]
        return {
            "user_id": [user_id for user_id, _, _ in rows],
            "rank": [rank for _, rank, _ in rows],
            "item_id": [item.item_id for _, _, item in rows],
            "distance": [item.distance for _, _, item in rows],
            "score": [item.score for _, _, item in rows],
        }

    def _title(self) -> str:
        return f"lists for {len(self):,} users"
