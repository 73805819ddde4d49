"""Tune, fit and measure the float recommenders in bounded time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from bitrecall.errors import BitrecallError
from bitrecall.results.comparison import ComparisonRow, Groups, NotRun
from bitrecall.training.comparison.family import Family
from bitrecall.training.comparison.measures import measure
from bitrecall.training.comparison.problem import Problem
from bitrecall.training.comparison.tuning import Clock, Search
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.progress_bar import progress_bar

# Users × items that a trial ranks if time is limited, and the minimum number of users: with many
# more, ranking takes longer than fitting.
_TRIAL_SCORES = 25_000_000
_MIN_TRIAL_USERS = 1_000

# torch reports too little memory, and a singular matrix, as RuntimeError.
_FAILURES = (BitrecallError, MemoryError, RuntimeError, ValueError, ArithmeticError)


class FloatRows:
    """The rows of the float recommenders.

    If time is limited, the recommender that has used the least time so far is tried next, so each
    has an equal share, and what a fast one does not need is for the others. A setting is left out
    if its trial and the final fits of all recommenders are not expected to end in time. If the
    final fits alone take too long, the slowest recommenders are not run.

    Args:
        validation: the problem to choose settings on.
        measured: the problem of the final fits.
        groups: the bounds of the groups.
        recipe: the metric and the seed.
        families: the float recommenders, in the order of the table.
        seconds: time for all of them.
        clock: the clock of the times.
    """

    def __init__(
        self,
        validation: Problem,
        measured: Problem,
        groups: Groups,
        recipe: Recipe,
        families: Sequence[Family],
        seconds: float,
        clock: Clock,
    ) -> None:
        if math.isfinite(seconds):
            n_users = max(_TRIAL_SCORES // max(validation.train.n_items, 1), _MIN_TRIAL_USERS)
            validation = validation.of_some_users(n_users, recipe.seed)
        self._measured = measured
        self._groups = groups
        self._seed = recipe.seed
        self._families = families
        self._seconds = seconds
        self._clock = clock
        self._started = clock()
        self._outcomes: dict[str, ComparisonRow | NotRun] = {}
        metric = recipe.validation.metric
        searches = [
            Search(family, validation, measured, metric, recipe.seed, clock) for family in families
        ]
        self._open = sorted(searches, key=Search.final_seconds)

    def outcomes(self) -> list[ComparisonRow | NotRun]:
        """Return the rows in the order of the table; those that are not ready were interrupted."""
        interrupted = "interrupted"
        return [
            self._outcomes.get(family.name, NotRun(family.name, interrupted))
            for family in self._families
        ]

    def run(self, progress: bool | None) -> None:
        """Run all searches and final fits.

        Args:
            progress: show a bar on stderr; None shows it only if stderr is a terminal.
        """
        self._leave_out_slow()
        fits = sum(1 + search.family.max_trials for search in self._open)
        with progress_bar(total=fits, desc="comparing", unit=" fits", progress=progress) as bar:
            while self._open:
                search = self._choose()
                bar.set_postfix_str(search.family.name, refresh=False)
                if search.next is None:
                    self._finish(search, bar)
                else:
                    self._try_or_skip(search)
                    bar.update()

    def _leave_out_slow(self) -> None:
        """Leave out the slowest recommenders until the final fits of the others end in time."""
        for search in reversed(self._open):
            needed = search.final_seconds()
            left = self._left() - sum(other.final_seconds() for other in self._open) + needed
            if search.family.axes and needed > left:
                reason = f"about {needed:,.0f} s expected, {max(left, 0):,.0f} s left for it"
                self._close(
                    search, NotRun(search.family.name, f"{reason}; bitrecall benchmark runs it")
                )

    def _choose(self) -> Search:
        if not math.isfinite(self._seconds):
            return self._open[0]
        return min(self._open, key=lambda search: (search.next is not None, search.seconds))

    def _try_or_skip(self, search: Search) -> None:
        if search.next is None:
            return
        others = sum(other.final_seconds() for other in self._open if other is not search)
        needed = search.trial_seconds() + search.final_seconds_after_next() + others
        too_large = search.family.obstacle(self._measured.matrix, search.next) is not None
        if too_large or needed > self._left():
            search.skip_next()
            return
        try:
            search.try_next()
        except _FAILURES as error:
            if not search.trials:
                self._close(search, NotRun(search.family.name, _reason(error)))
            else:
                search.skip_next()

    def _finish(self, search: Search, bar: tqdm[Any]) -> None:
        bar.update(1 + search.family.max_trials - search.trials - search.skipped)
        family, setting, problem = search.family, search.best, self._measured
        if not search.trials and (reason := family.obstacle(problem.matrix, setting)) is not None:
            self._close(search, NotRun(family.name, reason))
            return
        started = self._clock()
        try:
            recommender = family.fit(problem.matrix, setting, self._seed)
            measures = measure(
                problem.batches(recommender), problem.train.item_degrees, self._groups
            )
        except _FAILURES as error:
            self._close(search, NotRun(family.name, _reason(error)))
            return
        seconds = search.seconds + self._clock() - started
        row = ComparisonRow(
            family.title(setting),
            measures,
            recommender.bytes_per_item,
            seconds,
            dict(setting),
            search.trials,
            search.trials + search.skipped,
        )
        self._close(search, row)

    def _close(self, search: Search, outcome: ComparisonRow | NotRun) -> None:
        self._open = [other for other in self._open if other is not search]
        self._outcomes[search.family.name] = outcome

    def _left(self) -> float:
        return self._seconds - (self._clock() - self._started)


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
