"""Item lists: recommendations for one or many users, similar items and popular items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar, overload

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
    """An item of the user that is similar to a recommended item.

    Attributes:
        item_id: id of the user's item.
        distance: Hamming distance between the codes of the two items, in bits.
        weight: how much the user's item counts for the user's code, from 0 to 1 for the item that
            counts most; None if all items count alike.
    """

    item_id: str
    distance: int
    weight: float | None = None


class Recommendation(NamedTuple):
    """One recommended or similar item.

    Attributes:
        item_id: id of the item.
        distance: Hamming distance to the code of the requested user or item, in bits; None if the
            list is of popular items.
        score: inner product of the two codes, bits - 2 * distance; None if ``distance`` is.
        code: the item's code in hexadecimal; None without ``explain``.
        because: the user's most similar items, nearest first, or by the product of score and
            weight; None without ``explain``.
        taken: how often the user took the item; None without ``explain``, with ``exclude_seen``, or
            if the release has no repeats.
    """

    item_id: str
    distance: int | None
    score: int | None
    code: str | None = None
    because: tuple[Explanation, ...] | None = None
    taken: int | None = None


@dataclass(frozen=True, repr=False)
class _Items(Table, Sequence[Row]):
    """A table that is also a sequence of its rows."""

    _column_types: ClassVar[Mapping[str, type]] = {
        "user_id": str,
        "rank": int,
        "item_id": str,
        "distance": int,
        "score": int,
        "because": str,
        "popularity": int,
    }

    items: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self.items[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.items)


@dataclass(frozen=True, repr=False)
class _RankedItems(_Items[Recommendation]):
    """Items ranked by the distance of their codes."""

    k: int
    release_id: str

    @property
    def item_ids(self) -> list[str]:
        """The ids of the items, best first."""
        return [item.item_id for item in self.items]

    @property
    def shortfall(self) -> int:
        """How many of the ``k`` items are missing, because no more are allowed."""
        return self.k - len(self.items)

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        columns: dict[str, Sequence[Any]] = {
            "item_id": self.item_ids,
            "distance": [item.distance for item in self.items],
            "score": [item.score for item in self.items],
        }
        if any(item.because is not None for item in self.items):
            columns["because"] = _reasons(self.items)
        return columns

    def _shortfall_note(self) -> str:
        return f", {self.shortfall} fewer than requested" if self.shortfall else ""


@dataclass(frozen=True, repr=False)
class Recommendations(_RankedItems):
    """The recommendations for one user, best first; a sequence of ``Recommendation``.

    Attributes:
        items: up to ``k`` items.
        k: number of requested items.
        release_id: id of the release.
        user_id: id of the user; None if the request had only a history.
        source: origin of the user's code: the trained code (``codes``), the trained code and newer
            items (``codes+history``), or items only (``history``). ``popular`` means that there was
            no code, and the items are the most popular ones.
        degraded: whether the search failed, so that the items are popular ones instead.
        code: the user's code in hexadecimal; None without ``explain`` or without a code.
    """

    user_id: str | None
    source: Source
    degraded: bool = False
    code: str | None = None

    def _title(self) -> str:
        recipient = "a history" if self.user_id is None else self.user_id
        degraded = ", because the search failed" if self.degraded else ""
        items = _counted(len(self), "item")
        return f"{items} for {recipient} by {self.source}{degraded}{self._shortfall_note()}"


@dataclass(frozen=True, repr=False)
class SimilarItems(_RankedItems):
    """The items most similar to the item ``item_id``, nearest first."""

    item_id: str

    def _title(self) -> str:
        return f"{_counted(len(self), 'item')} like {self.item_id}{self._shortfall_note()}"


class PopularItem(NamedTuple):
    """A popular item; ``popularity`` is the number of its interactions in training."""

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
        return f"the {_counted(len(self), 'most popular item')}"


@dataclass(frozen=True, repr=False)
class RecommendationLists(_Items[Recommendations]):
    """The recommendations for several users, in the requested order.

    A sequence of ``Recommendations``. The table has one row per user and item.
    """

    def for_user(self, user_id: str | int) -> Recommendations:
        """Return the recommendations for one user.

        Raises:
            KeyError: the user was not requested.
        """
        for recommendations in self.items:
            if recommendations.user_id == str(user_id):
                return recommendations
        raise KeyError(user_id)

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        rows = [
            (recommendations.user_id, rank, item)
            for recommendations in self.items
            for rank, item in enumerate(recommendations, 1)
        ]
        items = [item for _, _, item in rows]
        columns: dict[str, Sequence[Any]] = {
            "user_id": [user_id for user_id, _, _ in rows],
            "rank": [rank for _, rank, _ in rows],
            "item_id": [item.item_id for item in items],
            "distance": [item.distance for item in items],
            "score": [item.score for item in items],
        }
        if any(item.because is not None for item in items):
            columns["because"] = _reasons(items)
        return columns

    def _title(self) -> str:
        return f"recommendations for {_counted(len(self), 'user')}"


def _reasons(items: Sequence[Recommendation]) -> list[str]:
    """Return for each item the ids of the user's most similar items, as text."""
    return [", ".join(similar.item_id for similar in item.because or ()) for item in items]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
