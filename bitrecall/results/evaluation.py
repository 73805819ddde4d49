"""How good a release's lists are on held-out interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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
"""The measures by their names in ``metrics``, with those of a table's columns."""


@dataclass(frozen=True, repr=False)
class Evaluation(Table):
    """What ``bitrecall evaluate`` measures; ``evaluation["recall@20"]`` is one number of it.

    Attributes:
        release_id: the release that answered.
        split: what was held out, in words.
        metrics: each measure under its name and K, as in ``"recall@20"``.
        users: users that the means are over: all that have a held-out item.
        unknown_users: how many of them the release does not know.
        skipped_users: users without a held-out item.
        pairs: held-out interactions of the users evaluated.
        unknown_pairs: how many of them are of an item that the release does not know.
        seen_pairs: how many of them the release had seen in training.
        seconds: wall time of the evaluation.
    """

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
        """One measure, such as ``"ndcg@50"``. Raises ``KeyError``."""
        return self.metrics[name]

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        ks = [int(name.partition("@")[2]) for name in self.metrics if name.startswith("recall@")]
        return {"K": ks} | {
            title: [self.metrics[f"{measure}@{k}"] for k in ks]
            for measure, title in MEASURES.items()
        }

    def _title(self) -> str:
        seen = (
            f"; {self.seen_pairs:,} of them seen in training, which cannot be found"
            if self.seen_pairs
            else ""
        )
        return (
            f"{self.users:,} users, {self.pairs:,} held-out pairs ({self.split}){seen}; "
            f"release {self.release_id}"
        )
