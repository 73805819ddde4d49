"""Which scorers a ranker uses: those that add to what the others predict.

A scorer adds as much as the ranker's log loss rises without it, on users that the ranker was not
fitted on. A scorer that adds nothing is left out, one at a time, because two similar ones may both
add nothing beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.teacher.learned.candidates import of_kinds
from bitrecall.training.teacher.learned.ranker import Ranker, fit_model

# A scorer that adds less is not worth its time. Differences between two seeds are about this large
# on ml100k.
MIN_SHARE = 0.002

# Some 15 models are fitted and measured on this many rows each, which takes seconds.
_MAX_ROWS = 100_000


@dataclass(frozen=True)
class Rows:
    """Candidates of some users, with what they did.

    Attributes:
        features: float32 (n, f).
        hits: bool (n,).
        weights: float32 (n,), of each row.
    """

    features: NDArray[np.float32]
    hits: NDArray[np.bool_]
    weights: NDArray[np.float32]

    def of_kinds(self, names: Sequence[str], kinds: Sequence[str]) -> tuple[Rows, list[str]]:
        """Return the rows with the features of some kinds of scorers, and their names."""
        features, kept = of_kinds(self.features, names, kinds)
        return Rows(features, self.hits, self.weights), kept

    def sample(self, maximum: int) -> Rows:
        """Return evenly spread rows, at most ``maximum``."""
        step = max(1, -(-len(self.hits) // maximum))
        return Rows(self.features[::step], self.hits[::step], self.weights[::step])

    def fit(self, names: Sequence[str], seed: int, *, draft: bool = False) -> str:
        """Fit a model of the ranker (``fit_model``)."""
        return fit_model(self.features, self.hits, self.weights, names, seed, draft=draft)


def select_scorers(
    fitted: Rows, measured: Rows, names: Sequence[str], kinds: Sequence[str], seed: int
) -> dict[str, float]:
    """Measure what each kind of scorer adds, and leave out those that add nothing.

    Args:
        fitted: rows to fit on.
        measured: rows of other users to measure on.
        names: the names of the features.
        kinds: the kinds of scorers that the features come from.
        seed: seed of the models.

    Returns:
        For each kind that is kept, in the order of ``kinds``, the share of the explained log loss
        that is lost without it.
    """
    fitted, measured = fitted.sample(_MAX_ROWS), measured.sample(_MAX_ROWS)
    constant = float(np.average(fitted.hits, weights=fitted.weights))
    unexplained = _log_loss(np.full(len(measured.hits), constant, np.float32), measured)
    kept = list(kinds)
    everything = _loss_with(fitted, measured, names, kept, seed)
    while True:
        without = {
            kind: _loss_with(fitted, measured, names, [k for k in kept if k != kind], seed)
            for kind in kept
        }
        explained = max(unexplained - everything, 1e-12)
        added = {kind: (loss - everything) / explained for kind, loss in without.items()}
        least = min(kept, key=lambda kind: added[kind])
        if len(kept) == 1 or added[least] >= MIN_SHARE:
            return added
        kept.remove(least)
        everything = without[least]


def _loss_with(
    fitted: Rows, measured: Rows, names: Sequence[str], kinds: Sequence[str], seed: int
) -> float:
    chosen, chosen_names = fitted.of_kinds(names, kinds)
    ranker = Ranker([chosen.fit(chosen_names, seed, draft=True)])
    features, _ = of_kinds(measured.features, names, kinds)
    return _log_loss(ranker.probabilities(features), measured)


def _log_loss(probabilities: NDArray[np.float32], rows: Rows) -> float:
    likelihood = np.where(rows.hits, probabilities, 1 - probabilities)
    losses = -np.log(np.maximum(likelihood, 1e-7))
    return float(np.average(losses, weights=rows.weights))
