"""Metrics of a release's recommendations on held-out interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from bitrecall.results.table import Table

__all__ = ["MEASURES", "Evaluation"]

MEASURES: Final[Mapping[str, str]] = {
    "recall": "recall",
    "ndcg": "NDCG",
    "precision": "precision",
    "hit_rate": "hit rate",
    "coverage": "coverage",
    "mean_popularity": "popularity",
}
"""Name of each metric in ``Evaluation.metrics``, and its column title."""


@dataclass(frozen=True, repr=False)
class Evaluation(Table):
    """The metrics of ``bitrecall evaluate``; ``evaluation["recall@20"]`` is one of them.

    Attributes:
        release_id: id of the evaluated release.
        split: description of the held-out interactions.
        metrics: values by metric and K, such as ``"recall@20"``.
        users: number of users with a held-out item; the metrics are means over them.
        unknown_users: how many of them are unknown to the release.
        skipped_users: number of users without a held-out item.
        pairs: number of held-out interactions of the evaluated users.
        unknown_pairs: how many of them have an item unknown to the release.
        seen_pairs: how many of them were also in the training data.
        seconds: wall time of the evaluation.
    """

    _column_types: ClassVar[Mapping[str, type]] = {"K": int}

    release_id: str
    split: str
    metrics: Mapping[str, float]
    users: int
    unknown_users: int
    skipped_users: int
    pairs: int
    unknown_pairs: int
    seen_pairs: int
    seconds: float

    def __getitem__(self, name: str) -> float:
        """Return the metric of a name such as ``"ndcg@50"``.

        Raises:
            KeyError: the metric was not computed.
        """
        return self.metrics[name]

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        ks = [int(name.partition("@")[2]) for name in self.metrics if name.startswith("recall@")]
        return {"K": ks} | {
            title: [self.metrics[f"{measure}@{k}"] for k in ks]
            for measure, title in MEASURES.items()
        }

    def _title(self) -> str:
        seen = (
            f"; {self.seen_pairs:,} of them seen in training, which cannot be hits"
            if self.seen_pairs
            else ""
        )
        unknown = (
            f"; {self.unknown_users:,} users and the items of {self.unknown_pairs:,} pairs are "
            "unknown to the release"
            if self.unknown_users or self.unknown_pairs
            else ""
        )
        return (
            f"{self.users:,} users, {self.pairs:,} held-out pairs ({self.split}){seen}{unknown}; "
            f"release {self.release_id}"
        )
