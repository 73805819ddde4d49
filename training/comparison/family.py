"""The kinds of float recommenders: their settings, what they need, and how they are fitted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import scipy.sparse as sp

from bitrecall.training.comparison.recommenders import Recommender
from bitrecall.training.retraining.memory_budget import free_mib

Setting = Mapping[str, float]
"""Values by the names of the axes."""


class Family(ABC):
    """A kind of recommender.

    Attributes:
        name: its name in the table.
        axes: the values to try, by name; of each, the first is the default.
        promising: further settings to try first, after the default, most promising first. They
            differ from it in several values, for data of another kind.
    """

    name: ClassVar[str]
    axes: ClassVar[Mapping[str, Sequence[float]]] = {}
    promising: ClassVar[Sequence[Setting]] = ()

    def default(self) -> dict[str, float]:
        """Return the setting to start from."""
        return {name: values[0] for name, values in self.axes.items()}

    @property
    def max_trials(self) -> int:
        """Maximum number of settings of a complete search."""
        others = sum(len(values) - 1 for values in self.axes.values())
        return 1 + len(self.promising) + others if self.axes else 0

    def title(self, setting: Setting) -> str:
        """Return the name of the fitted recommender in the table."""
        del setting
        return self.name

    def obstacle(self, matrix: sp.csr_matrix, setting: Setting) -> str | None:
        """Return why the recommender cannot be fitted in any time; None if it can."""
        needed, free = self.needed_mib(matrix, setting), free_mib()
        if free is not None and needed > free:
            return f"it takes up to {needed:,} MiB of memory; {free:,} MiB are free"
        return None

    def needed_mib(self, matrix: sp.csr_matrix, setting: Setting) -> int:
        """Return an upper bound of the memory of a fit, in MiB."""
        del matrix, setting
        return 0

    @abstractmethod
    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return a rough time of a fit."""

    @abstractmethod
    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Recommender:
        """Fit the recommender.

        Args:
            matrix: float32 CSR (n_users, n_items), R; items in descending popularity.
            setting: one value per axis.
            seed: seed of random initial values.
        """
