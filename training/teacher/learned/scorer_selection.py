"""Which scorers a ranker uses: those that add to what the others predict.

A scorer adds as much as the ranker's log loss rises without it, on users that the ranker was not
fitted on. A scorer that adds nothing on either half of the users is left out, one at a time,
because two similar ones may both add nothing beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.teacher.learned.candidates import of_kinds
from bitrecall.training.teacher.learned.ranker import Ranker, fit_model

# Some 20 models are fitted and measured on the hits and this many other rows each, which takes
# seconds.
_MAX_ROWS = 100_000


@dataclass(frozen=True)
class Rows:
    """Candidates of some users, with what they did.

    Attributes:
        features: float32 (n, f).
        hits: bool (n,).
        weights: float32 (n,), of each row.
        n_users: number of users with held-out items, of both halves.
    """

    features: NDArray[np.float32]
    hits: NDArray[np.bool_]
    weights: NDArray[np.float32]
    n_users: int

    def of_kinds(self, names: Sequence[str], kinds: Sequence[str]) -> tuple[Rows, list[str]]:
        """Return the rows with the features of some kinds of scorers, and their names."""
        features, kept = of_kinds(self.features, names, kinds)
        return replace(self, features=features), kept

    def sample(self, maximum: int) -> Rows:
        """Return all hits and evenly spread other rows, which then weigh more.

        Args:
            maximum: number of other rows.
        """
        others = np.flatnonzero(~self.hits)
        step = max(1, -(-len(others) // maximum))
        kept = np.union1d(np.flatnonzero(self.hits), others[::step])
        hits = self.hits[kept]
        weights = np.where(hits, 1, step).astype(np.float32) * self.weights[kept]
        return Rows(self.features[kept], hits, weights, self.n_users)

    def fit(self, names: Sequence[str], seed: int, *, draft: bool = False) -> str:
        """Fit a model of the ranker (``fit_model``)."""
        rows = self.features, self.hits, self.weights
        return fit_model(*rows, names, seed, n_users=self.n_users, draft=draft)


def select_scorers(
    halves: tuple[Rows, Rows], names: Sequence[str], kinds: Sequence[str], seed: int
) -> dict[str, float]:
    """Measure what each kind of scorer adds, and leave out those that add nothing.

    Args:
        halves: rows of two halves of the users; models are fitted on each, and measured on the
            other.
        names: the names of the features.
        kinds: the kinds of scorers that the features come from.
        seed: seed of the models.

    Returns:
        For each kind that is kept, in the order of ``kinds``, the share of the explained log loss
        that is lost without it, the mean of both halves.
    """
    first, second = (half.sample(_MAX_ROWS) for half in halves)
    directions = [(first, second), (second, first)]

    def losses(kept: Sequence[str]) -> NDArray[np.float64]:
        return np.array([_loss_with(*direction, names, kept, seed) for direction in directions])

    constant = np.array([_constant_loss(*direction) for direction in directions])
    kept = list(kinds)
    everything = losses(kept)
    while True:
        without = {kind: losses([k for k in kept if k != kind]) for kind in kept}
        explained = np.maximum(constant - everything, 1e-12)
        added = {kind: (loss - everything) / explained for kind, loss in without.items()}
        useless = [kind for kind in kept if added[kind].max() <= 0]
        if len(kept) == 1 or not useless:
            return {kind: float(shares.mean()) for kind, shares in added.items()}
        least = min(useless, key=lambda kind: float(added[kind].mean()))
        kept.remove(least)
        everything = without[least]


def _constant_loss(fitted: Rows, measured: Rows) -> float:
    """Return the log loss of the same probability for all."""
    constant = np.average(fitted.hits, weights=fitted.weights)
    return _log_loss(np.full(len(measured.hits), constant, np.float32), measured)


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
