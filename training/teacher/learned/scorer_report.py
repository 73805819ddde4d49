"""What a kind of scorer cost and added, for the log and the printed report."""

from __future__ import annotations

from typing import NamedTuple

_TITLES = {
    "item_knn": "item kNN",
    "random_walk": "random walk",
    "ease": "EASE",
    "transitions": "transitions",
    "als": "ALS",
    "low_pass": "low-pass filter",
    "linear_filter": "linear filter",
    "lightgcn": "LightGCN",
}


class ScorerReport(NamedTuple):
    """A kind of scorer of a learned teacher.

    Attributes:
        kind: its name.
        seconds: time to fit it.
        added: share of what the ranker explains that is lost without this scorer; 0 if it was left
            out.
        used: whether the ranker uses it.
    """

    kind: str
    seconds: float
    added: float
    used: bool

    def __str__(self) -> str:
        if not self.used:
            result = "left out"
        elif self.added > 0:
            result = f"adds {self.added:.1%}"
        else:
            # It adds something on one half of the users only.
            result = "adds nothing on average"
        return f"{_TITLES[self.kind]} {self.seconds:.1f} s, {result}"
