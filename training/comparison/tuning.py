"""Search for a recommender's setting on validation interactions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from bitrecall.training.comparison.family import Family, Setting
from bitrecall.training.comparison.problem import Problem

Clock = Callable[[], float]
"""Returns the time in seconds."""

# Scores that are computed and ranked per second, measured on two cores of an AMD EPYC.
_SCORES_PER_SECOND = 40e6

# A fit takes at least this many seconds, even if the clock does not move.
_CLOCK_STEP = 1e-6


@dataclass
class Search:
    """A search over the settings of a recommender, one setting at a time.

    The default and the promising settings of the family come first. Then the values of one axis
    after the other are tried, from the best setting so far: with few trials it covers more than a
    grid.

    Args:
        family: the recommender.
        validation: the problem to choose on.
        measured: the problem that the chosen setting is fitted on and measured on afterwards.
        metric: metric to choose by, such as ``recall@50``.
        seed: seed of the fits.
        clock: the clock of the times.

    Attributes:
        best: the best setting so far.
        next: the setting to try next; None after the last one.
        trials: number of settings tried.
        skipped: number of settings that were left out.
        seconds: time of the trials so far.
    """

    family: Family
    validation: Problem
    measured: Problem
    metric: str
    seed: int
    clock: Clock = monotonic
    best: Setting = field(init=False)
    next: Setting | None = field(init=False, default=None)
    trials: int = field(init=False, default=0)
    skipped: int = field(init=False, default=0)
    seconds: float = field(init=False, default=0.0)
    _best_value: float = field(init=False, default=-1.0)
    # Actual time over expected time of the last fit.
    _slowness: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        self.best = self.family.default()
        self._seen: list[Setting] = []
        self._queue = [self.best, *self.family.promising] if self.family.axes else []
        self._axes = list(self.family.axes.items())
        self._advance()

    def try_next(self) -> None:
        """Try the next setting, and keep it if it is the best so far."""
        setting = self._take()
        expected, started = self._expected(self.validation, setting), self.clock()
        recommender = self.family.fit(self.validation.matrix, setting, self.seed)
        value = self.validation.metric(recommender, self.metric)
        seconds = self.clock() - started
        self._slowness *= max(seconds, _CLOCK_STEP) / expected
        self.seconds += seconds
        self.trials += 1
        if value > self._best_value:
            self.best, self._best_value = setting, value
        self._advance()

    def skip_next(self) -> None:
        """Leave the next setting out."""
        self._take()
        self.skipped += 1
        self._advance()

    def trial_seconds(self) -> float:
        """Return the expected time of the next trial."""
        return 0.0 if self.next is None else self._expected(self.validation, self.next)

    def final_seconds(self) -> float:
        """Return the expected time to fit and measure the best setting at the end."""
        return self._expected(self.measured, self.best)

    def final_seconds_after_next(self) -> float:
        """Return the same after the next trial, which may become the best."""
        if self.next is None:
            return self.final_seconds()
        following = self._expected(self.measured, self.next)
        return max(self.final_seconds(), following) if self.trials else following

    def _take(self) -> Setting:
        if self.next is None:
            raise ValueError("the search is over")
        self._seen.append(self.next)
        return self.next

    def _advance(self) -> None:
        """Choose the next setting, without those that were tried or left out."""
        while True:
            while self._queue:
                self.next = self._queue.pop(0)
                if self.next not in self._seen:
                    return
            if not self._axes:
                self.next = None
                return
            name, values = self._axes.pop(0)
            self._queue = [{**self.best, name: value} for value in values]

    def _expected(self, problem: Problem, setting: Setting) -> float:
        scores = max(problem.n_users * problem.train.n_items, 1)
        fit = self.family.expected_seconds(problem.matrix, setting)
        return self._slowness * (fit + scores / _SCORES_PER_SECOND)
