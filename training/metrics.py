"""Metrics of ranked lists: Recall, NDCG, Precision, HitRate, coverage and mean popularity at K.

All functions take numpy arrays: ranked item rows, one list per user, and the ground truth, the
items that each user actually chose. They do not depend on the origin of the lists.

The ideal list of NDCG comes from the ground truth: the best possible list, with min(K, number of
test items) hits at the top. The public code of BGCH and BiGeaR builds it from the model's own hits
instead, which inflates NDCG by about a third, so their numbers are not comparable. Their metric is
available as the optional bgch_ndcg@K, for comparison with published numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1
"""Row of an item outside the catalogue in a ground truth, or of an empty place in a list."""

BGCH_DEPTH = 1000
"""Length of the lists in BGCH's public code, in which it counts hits: its largest K."""


@dataclass(frozen=True)
class GroundTruth:
    """The test items of a batch of b users, in compressed sparse rows.

    ``indptr`` is int64 (b + 1,), ``rows`` int64 (nnz,): user u's items are
    ``rows[indptr[u]:indptr[u + 1]]``, in any order and without repetition. Items outside the
    catalogue are ``OUTSIDE``, once for each: no list can hit them, but they count in the number of
    the user's test items.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def from_lists(cls, lists: Iterable[Iterable[int]]) -> "GroundTruth":
        """Build the ground truth from one collection of item rows per user."""
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
    """Mark the places of the ranked lists that contain a test item of their user.

    Args:
        ranked: (b, k), integer item rows from best to worst; shorter lists are padded with
            ``OUTSIDE``.
        truth: the test items of the same b users.

    Returns:
        bool (b, k).

    Raises:
        ValueError: the numbers of users differ, a list contains an item twice or after its
            padding, or a user's test items repeat: a hit would count twice.
    """
    if ranked.ndim != 2 or len(ranked) != len(truth):
        raise ValueError(f"ranked lists of shape {ranked.shape} for {len(truth)} users")
    listed = ranked >= 0
    if np.any(listed[:, 1:] & ~listed[:, :-1]):
        raise ValueError("a ranked list has an item after its end, a negative row")
    ordered = np.sort(ranked, axis=1)
    if np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)):
        raise ValueError("a ranked list contains an item twice")

    width = 1 + max(int(ranked.max(initial=0)), int(truth.rows.max(initial=0)))
    owners = np.repeat(np.arange(len(truth), dtype=np.int64), truth.sizes)
    inside = truth.rows >= 0
    expected = np.sort(owners[inside] * width + truth.rows[inside])
    if np.any(expected[1:] == expected[:-1]):
        raise ValueError("a user's test items contain an item twice")
    if not len(expected):
        return np.zeros(ranked.shape, dtype=np.bool_)
    keys = np.arange(len(ranked), dtype=np.int64)[:, None] * width + ranked
    places = np.minimum(np.searchsorted(expected, keys), len(expected) - 1)
    hits: NDArray[np.bool_] = (expected[places] == keys) & listed
    return hits


def recall_at(hits: NDArray[np.bool_], sizes: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Recall@K of each user: hits in the first K places / number of the user's test items.

    ``hits`` is bool (b, at least k), ``sizes`` int64 (b,). Returns float64 (b,), 0 for a user
    without test items, like the other metrics per user below.
    """
    recalled: NDArray[np.float64] = hits[:, :k].sum(axis=1) / np.maximum(sizes, 1)
    return recalled


def precision_at(hits: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """Precision@K of each user: hits in the first K places / K, even if the list is shorter."""
    precise: NDArray[np.float64] = hits[:, :k].sum(axis=1) / k
    return precise


def hit_rate_at(hits: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """HitRate@K of each user: 1 if the first K places contain a hit, else 0."""
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
    """NDCG@K of each user as in the public code of BGCH (``utils.NDCG_K``); not true NDCG.

    DCG@K / Σ_{r ≤ min(K, h)} 1 / log2(r + 1), h the number of hits in the whole list, whose
    length is BGCH_DEPTH there. The ideal list has the model's own hits first, so missed items cost
    nothing: one hit at the top is perfect for any number of test items, and more hits further down
    lower the value. Use it only for comparison with published numbers.

    ``hits`` is bool (b, at least k). Returns float64 (b,), 0 for a user without a hit.
    """
    return ndcg_at(hits, hits.sum(axis=1), k)


class RankingMetrics:
    """All metrics at every K of ``ks``, accumulated batch by batch in bounded memory.

    ``n_items`` is the size of the catalogue, ``popularity`` (n_items,) the number of training
    interactions of each item. Recall, NDCG, Precision and HitRate are means over the users that
    have test items. Over the lists of all users:

    - coverage@K: the share of the catalogue that is in the first K places of some list;
    - mean_popularity@K: the mean of ``popularity`` over all items in the first K places.

    With a ``bgch_depth``, there is also bgch_ndcg@K (see the warning of ``bgch_ndcg_at``), whose
    ideal list has the hits in the first max(``bgch_depth``, largest K) places.

    Raises:
        ValueError: a K or the depth is below 1, there is no K, or ``popularity`` has another
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
        # Best place of each item in any list: one array is enough for the coverage at every K.
        self._best_place = np.full(n_items, np.iinfo(np.int64).max)
        self._listed = dict.fromkeys(self.ks, 0)
        self._popularity_sum = dict.fromkeys(self.ks, 0.0)

    @property
    def depth(self) -> int:
        """Number of evaluated places of a list: the largest K, or ``bgch_depth`` if larger."""
        return max(self.ks[-1], self._bgch_depth or 0)

    def update(self, ranked: NDArray[np.integer], truth: GroundTruth) -> None:
        """Add the lists of b users; ``ranked`` is (b, at least depth), as in ``find_hits``.

        Raises:
            ValueError: as in ``find_hits``; or there are too few columns, or rows outside the
                catalogue.
        """
        depth = self.depth
        if ranked.ndim != 2 or ranked.shape[1] < depth:
            raise ValueError(f"ranked lists of shape {ranked.shape} are too short for K={depth}")
        ranked = ranked[:, :depth]
        if ranked.max(initial=-1) >= len(self._popularity):
            raise ValueError(f"a ranked list contains a row outside {len(self._popularity)} items")
        hits = find_hits(ranked, truth)
        sizes = truth.sizes
        has_truth = sizes > 0
        self.users += int(has_truth.sum())
        for k in self.ks:
            metrics = [
                recall_at(hits, sizes, k),
                ndcg_at(hits, sizes, k),
                precision_at(hits, k),
                hit_rate_at(hits, k),
            ]
            if self._bgch_depth is not None:
                metrics.append(bgch_ndcg_at(hits, k))
            self._sums[k] += [metric[has_truth].sum() for metric in metrics]
            shown = ranked[:, :k]
            shown = shown[shown >= 0]
            self._listed[k] += len(shown)
            self._popularity_sum[k] += float(self._popularity[shown].sum())
        listed = ranked >= 0
        places = np.broadcast_to(np.arange(depth), ranked.shape)
        np.minimum.at(self._best_place, ranked[listed], places[listed])

    def result(self) -> dict[str, float]:
        """Return every metric by name and K, such as ``"recall@50"``.

        mean_popularity@K is 0 if no item was listed, and coverage@K is 0 for an empty catalogue.

        Raises:
            ValueError: no user has test items.
        """
        if not self.users:
            raise ValueError("no user has test items: there is nothing to average")
        metrics: dict[str, float] = {}
        for k in self.ks:
            means = self._sums[k] / self.users
            for name, mean in zip(self._names, means, strict=True):
                metrics[f"{name}@{k}"] = float(mean)
            covered = int((self._best_place < k).sum())
            metrics[f"coverage@{k}"] = covered / max(len(self._best_place), 1)
            metrics[f"mean_popularity@{k}"] = self._popularity_sum[k] / max(self._listed[k], 1)
        return metrics
