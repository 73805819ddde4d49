"""Search for a recommender's setting on validation interactions, in bounded time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from bitrecall.training.comparison.families import Family, Setting
from bitrecall.training.comparison.problem import Problem

Clock = Callable[[], float]
"""Returns the time in seconds."""

# Scores that are computed and ranked per second, measured on two cores of an AMD EPYC.
_SCORES_PER_SECOND = 60e6

# A fit takes at least this many seconds, even if the clock does not move.
_CLOCK_STEP = 1e-6


@dataclass(frozen=True)
class Tuned:
    """The result of a search.

    Attributes:
        setting: the best setting, or the default one if there was no time to try any.
        trials: number of settings tried.
    """

    setting: Setting
    trials: int


@dataclass
class Search:
    """A search over the settings of a recommender.

    Values are tried one axis after the other, from the best setting so far. A setting is tried if
    the fit, its measurement and the final fit are expected to end in time.

    Args:
        family: the recommender.
        validation: the problem to choose on.
        final: the problem that the chosen setting is fitted on afterwards; None if there is none.
        metric: metric to choose by, such as ``recall@50``.
        seed: seed of the fits.
        seconds: time for the search and the final fit.
        clock: the clock of this time.
        on_trial: called after each trial.
    """

    family: Family
    validation: Problem
    final: Problem | None
    metric: str
    seed: int
    seconds: float
    clock: Clock = monotonic
    on_trial: Callable[[], object] = lambda: None
    _values: list[float] = field(init=False, default_factory=list)
    # Actual time over expected time of the last fit.
    _slowness: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        self._started = self.clock()
        self._best: Setting = self.family.default()

    def run(self) -> Tuned | None:
        """Search; None if the time is too short for any fit."""
        if not self._try(self._best):
            if self.final is None or self.expected_seconds() > self.seconds:
                return None
            return Tuned(self._best, 0)
        for name, candidates in self.family.axes.items():
            start = self._best
            for value in candidates[1:]:
                self._try({**start, name: value})
        return Tuned(self._best, len(self._values))

    def expected_seconds(self) -> float:
        """Return the expected time of one fit of the best setting and its measurement."""
        return self._expected(self.final or self.validation, self._best)

    def _try(self, setting: Setting) -> bool:
        """Try a setting if there is time, and keep it if it is the best so far."""
        reserve = 0.0
        if self.final is not None:
            reserve = max(self._expected(self.final, s) for s in (setting, self._best))
        expected = self._expected(self.validation, setting)
        started = self.clock()
        if started - self._started + expected + reserve > self.seconds:
            return False
        recommender = self.family.fit(self.validation.matrix, setting, self.seed)
        value = self.validation.metric(recommender, self.metric)
        self._slowness *= max(self.clock() - started, _CLOCK_STEP) / expected
        if not self._values or value > max(self._values):
            self._best = setting
        self._values.append(value)
        self.on_trial()
        return True

    def _expected(self, problem: Problem, setting: Setting) -> float:
        scores = max(problem.n_users * problem.train.n_items, 1)
        fit = self.family.expected_seconds(problem.matrix, setting)
        return self._slowness * (fit + scores / _SCORES_PER_SECOND)
