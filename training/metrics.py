"""How good ranked lists are: Recall, NDCG, Precision, HitRate, coverage and mean popularity at K.

Everything is numpy on two plain things: ranked item rows, one list a user, and the items each
user really chose, the ground truth. Nothing here knows where the lists come from.

NDCG's ideal list is the ground truth's: the best list that anyone could have given, with
min(K, number of test items) hits at the top. The public code of BGCH and BiGeaR builds it from the
model's own hits instead, which inflates NDCG by about a third, so their numbers do not compare;
their measure is here too, under the name of bgch_ndcg@K and only for who asks, so that the numbers
they published can be placed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1
"""The row that stands for an item outside the catalogue in a ground truth, or for no item at all
in a ranked list."""

BGCH_DEPTH = 1000
"""How many places BGCH's public code lists a user, and looks for hits in: its largest K."""


@dataclass(frozen=True)
class GroundTruth:
    """The test items of a batch of b users, in compressed sparse rows.

    ``indptr`` is int64 (b + 1,), ``rows`` int64 (nnz,): user u's items are
    ``rows[indptr[u]:indptr[u + 1]]``, in any order and without repetition. Items outside the
    catalogue are given as ``OUTSIDE``, as often as they occur: no list can hit them, yet they
    count in the number of the user's test items.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def from_lists(cls, lists: Iterable[Iterable[int]]) -> "GroundTruth":
        """Gather one collection of item rows a user."""
        parts = [np.fromiter(rows, dtype=np.int64) for rows in lists]
        indptr = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([len(part) for part in parts], out=indptr[1:])
        rows = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        return cls(indptr, rows)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of test items of each user, int64 (b,)."""
        return np.diff(self.indptr)


def find_hits(ranked: NDArray[np.integer], truth: GroundTruth) -> NDArray[np.bool_]:
    """Mark the places of the ranked lists that hold a test item of their user.

    ``ranked`` is (b, k), integer item rows from best to worst, shorter lists filled up with
    ``OUTSIDE`` at the end. Returns bool (b, k). Raises ValueError where the two disagree on the
    number of users, where a list names an item twice or goes on after its end, and where a user's
    test items repeat: such lists would count a hit twice.
    """
    if ranked.ndim != 2 or len(ranked) != len(truth):
        raise ValueError(f"ranked lists of shape {ranked.shape} for {len(truth)} users")
    listed = ranked >= 0
    if np.any(listed[:, 1:] & ~listed[:, :-1]):
        raise ValueError("a ranked list goes on after its end: an item follows a negative row")
    ordered = np.sort(ranked, axis=1)
    if np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)):
        raise ValueError("a ranked list names an item twice")

    width = 1 + max(int(ranked.max(initial=0)), int(truth.rows.max(initial=0)))
    owners = np.repeat(np.arange(len(truth), dtype=np.int64), truth.sizes)
    inside = truth.rows >= 0
    wanted = np.sort(owners[inside] * width + truth.rows[inside])
    if np.any(wanted[1:] == wanted[:-1]):
        raise ValueError("a user's test items name an item twice")
    if not len(wanted):
        return np.zeros(ranked.shape, dtype=np.bool_)
    keys = np.arange(len(ranked), dtype=np.int64)[:, None] * width + ranked
    places = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
    found: NDArray[np.bool_] = (wanted[places] == keys) & listed
    return found


def recall_at(hits: NDArray[np.bool_], sizes: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Recall@K of each user: hits in the first K places / number of the user's test items.

    ``hits`` is bool (b, at least k), ``sizes`` int64 (b,). Returns float64 (b,), 0 for a user
    without test items, as do the other measures of one user below.
    """
    recalled: NDArray[np.float64] = hits[:, :k].sum(axis=1) / np.maximum(sizes, 1)
    return recalled


def precision_at(hits: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """Precision@K of each user: hits in the first K places / K, also where the list is shorter."""
    precise: NDArray[np.float64] = hits[:, :k].sum(axis=1) / k
    return precise


def hit_rate_at(hits: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """HitRate@K of each user: 1 where the first K places hold a hit, else 0."""
    rates: NDArray[np.float64] = np.minimum(hits[:, :k].sum(axis=1), 1.0)
    return rates


def ndcg_at(hits: NDArray[np.bool_], sizes: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """NDCG@K of each user, with binary gains and the ground truth's ideal list.

    DCG@K = Σ_{r ≤ K} hit_r / log2(r + 1), with ranks r from 1;
    NDCG@K = DCG@K / Σ_{r ≤ min(K, number of test items)} 1 / log2(r + 1).
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[1.0], np.cumsum(discounts)])
    gains: NDArray[np.float64] = hits[:, :k] @ discounts
    normalised: NDArray[np.float64] = gains / ideal[np.minimum(sizes, k)]
    return normalised


def bgch_ndcg_at(hits: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """NDCG@K of each user as the public code of BGCH has it (``utils.NDCG_K``): not NDCG.

    DCG@K / Σ_{r ≤ min(K, h)} 1 / log2(r + 1), h the hits in the whole list that is given, which is
    BGCH_DEPTH long there. The ideal list is the model's own hits put first, so what the model does
    not find costs it nothing: one hit at the top is perfect, however much there was to find, and a
    model that finds more further down loses by it. Good for nothing but placing published numbers.

    ``hits`` is bool (b, at least k). Returns float64 (b,), 0 for a user without a hit.
    """
    return ndcg_at(hits, hits.sum(axis=1), k)


class RankingMetrics:
    """All measures at every K of ``ks``, gathered batch by batch in bounded memory.

    ``n_items`` is the size of the catalogue, ``popularity`` (n_items,) the number of training
    interactions of each item. Recall, NDCG, Precision and HitRate are means over the users that
    have test items. Over all the lists given, whoever their user:

    - coverage@K: the share of the catalogue that stands in the first K places of some list;
    - mean_popularity@K: the mean of ``popularity`` over all the items in the first K places.

    With a ``bgch_depth`` there is bgch_ndcg@K too, as `bgch_ndcg_at` warns, its ideal list made of
    the hits in that many places, or in the most that any K asks for if that is more.

    Raises ValueError for a K or a depth below 1 or no K at all, and for a popularity of another
    length.
    """

    def __init__(
        self,
        ks: Sequence[int],
        n_items: int,
        popularity: NDArray[np.integer],
        *,
        bgch_depth: int | None = None,
    ) -> None:
        if not ks or min(ks) < 1:
            raise ValueError(f"cut-offs must be whole numbers from 1 up, not {list(ks)}")
        if bgch_depth is not None and bgch_depth < 1:
            raise ValueError(f"bgch_depth must be a whole number from 1 up, not {bgch_depth}")
        if popularity.shape != (n_items,):
            raise ValueError(f"popularity of shape {popularity.shape} for {n_items} items")
        self.ks = tuple(sorted(set(ks)))
        self.users = 0
        self._names = ["recall", "ndcg", "precision", "hit_rate"]
        if bgch_depth is not None:
            self._names.append("bgch_ndcg")
        self._bgch_depth = bgch_depth
        self._popularity = popularity.astype(np.float64)
        self._sums = {k: np.zeros(len(self._names)) for k in self.ks}
        # Where in the lists an item has stood at best: one array serves the coverage of every K.
        self._best_place = np.full(n_items, np.iinfo(np.int64).max)
        self._listed = dict.fromkeys(self.ks, 0)
        self._popularity_sum = dict.fromkeys(self.ks, 0.0)

    @property
    def depth(self) -> int:
        """How many places of a list are looked at: the largest K, or ``bgch_depth`` if larger."""
        return max(self.ks[-1], self._bgch_depth or 0)

    def update(self, ranked: NDArray[np.integer], truth: GroundTruth) -> None:
        """Add the lists of b users.

        ``ranked`` is (b, at least depth), as in `find_hits`, which says what is refused. Raises
        ValueError also for too few columns and for rows outside the catalogue.
        """
        deepest = self.depth
        if ranked.ndim != 2 or ranked.shape[1] < deepest:
            raise ValueError(f"ranked lists of shape {ranked.shape} are too short for K={deepest}")
        ranked = ranked[:, :deepest]
        if ranked.max(initial=-1) >= len(self._popularity):
            raise ValueError(f"a ranked list names a row outside {len(self._popularity)} items")
        hits = find_hits(ranked, truth)
        sizes = truth.sizes
        asked = sizes > 0
        self.users += int(asked.sum())
        for k in self.ks:
            measures = [
                recall_at(hits, sizes, k),
                ndcg_at(hits, sizes, k),
                precision_at(hits, k),
                hit_rate_at(hits, k),
            ]
            if self._bgch_depth is not None:
                measures.append(bgch_ndcg_at(hits, k))
            self._sums[k] += [measure[asked].sum() for measure in measures]
            shown = ranked[:, :k]
            shown = shown[shown >= 0]
            self._listed[k] += len(shown)
            self._popularity_sum[k] += float(self._popularity[shown].sum())
        listed = ranked >= 0
        places = np.broadcast_to(np.arange(deepest), ranked.shape)
        np.minimum.at(self._best_place, ranked[listed], places[listed])

    def result(self) -> dict[str, float]:
        """Give every measure under its name and K, as in ``"recall@50"``.

        mean_popularity@K is 0 where no item was listed at all, coverage@K where the catalogue is
        empty. Raises ValueError where no user had test items, for then there is no mean.
        """
        if not self.users:
            raise ValueError("no user has test items: there is nothing to average")
        measures: dict[str, float] = {}
        for k in self.ks:
            means = self._sums[k] / self.users
            for name, mean in zip(self._names, means, strict=True):
                measures[f"{name}@{k}"] = float(mean)
            covered = int((self._best_place < k).sum())
            measures[f"coverage@{k}"] = covered / max(len(self._best_place), 1)
            measures[f"mean_popularity@{k}"] = self._popularity_sum[k] / max(self._listed[k], 1)
        return measures
