"""Compare codes with float recommenders on the same held-out interactions.

Each recommender is tuned on the validation interactions that the training of the codes uses, then
fitted on all training interactions and measured on the test split, as the codes are. Without a test
split, all are measured on the validation interactions: the codes of the fit with validation, and
each recommender with its best setting there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from tqdm import tqdm

from bitrecall.errors import BitrecallError
from bitrecall.training.comparison.codes import Codes
from bitrecall.training.comparison.families import FAMILIES, Family
from bitrecall.training.comparison.measures import Groups, Measures, measure
from bitrecall.training.comparison.problem import Problem, check_held_out, validation_share
from bitrecall.training.comparison.tuning import Clock, Search, Tuned
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.split import describe_cut
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.progress_bar import progress_bar


@dataclass(frozen=True)
class Row:
    """A recommender of the comparison.

    Attributes:
        name: its name in the table.
        measures: its measures; None for those that are not known.
        bytes_per_item: size of what it stores of the items, over their number.
        seconds: time of tuning, of the final fit and of its measurement; of the codes, of the whole
            training; None if unknown.
        setting: the chosen values by name; empty for codes and popularity.
        trials: number of settings tried.
        possible_trials: number of settings of a complete search.
    """

    name: str
    measures: Measures
    bytes_per_item: int
    seconds: float | None
    setting: Mapping[str, float]
    trials: int = 0
    possible_trials: int = 0


@dataclass(frozen=True)
class NotRun:
    """A recommender that was not measured, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """The measured recommenders.

    Attributes:
        split: held-out interactions that were measured: "test" or "validation".
        users: number of measured users.
        interactions: number of their held-out interactions.
        tuned_on: description of the interactions that settings were chosen on.
        groups: bounds and sizes of the groups.
        recommenders: the float recommenders, in the order of the table.
        codes: the codes.
        not_run: recommenders that were not measured.
        seconds: time of the comparison, without the training of the codes.
    """

    split: str
    users: int
    interactions: int
    tuned_on: str
    groups: Groups
    recommenders: Sequence[Row]
    codes: Row
    not_run: Sequence[NotRun]
    seconds: float


def compare(
    train: Interactions,
    test: Interactions | None,
    recipe: Recipe,
    codes: Codes,
    *,
    seconds: float = math.inf,
    families: Sequence[Family] = FAMILIES,
    progress: bool | None = False,
    clock: Clock = monotonic,
) -> Comparison:
    """Tune, fit and measure the float recommenders, and measure the codes.

    The cheapest recommender runs first; each may take an equal part of the time that is left.

    Args:
        train: all training interactions; every user and item has at least one.
        test: the test split; None or empty if there is none.
        recipe: recipe of the codes; defines the validation interactions, their metric and the seed.
        codes: the codes.
        seconds: time for the float recommenders.
        families: the float recommenders, in the order of the table.
        progress: show a bar on stderr; None shows it only if stderr is a terminal.
        clock: the clock of the times.

    Raises:
        EvaluationError: no user has enough interactions to hold one out for validation, or nothing
            is held out to measure the codes on.
    """
    started = clock()
    check_held_out(test, recipe)
    validation = Problem.validation(train, recipe)
    final = Problem.test(train, test) if test is not None and len(test) else None
    measured = final or validation
    groups = Groups.of(measured.user_degrees(), measured.train.item_degrees)
    outcomes: dict[str, Row | NotRun] = {
        family.name: NotRun(family.name, obstacle)
        for family in families
        if (obstacle := family.obstacle(measured.matrix)) is not None
    }
    cheapest_first = sorted(
        (family for family in families if family.name not in outcomes),
        key=lambda family: family.expected_seconds(measured.matrix, family.default()),
    )
    fits = sum(family.n_trials + (final is not None) for family in cheapest_first)
    with progress_bar(total=fits, desc="comparing", unit=" fits", progress=progress) as bar:
        for number, family in enumerate(cheapest_first):
            left = seconds - (clock() - started)
            run = _Run(validation, final, groups, recipe, bar, clock)
            outcomes[family.name] = run(family, left / (len(cheapest_first) - number))
    rows = [outcomes[family.name] for family in families]
    return Comparison(
        split="validation" if final is None else "test",
        users=measured.n_users,
        interactions=measured.n_interactions,
        tuned_on=describe_cut(train, validation_share(recipe), recipe.validation.cut),
        groups=groups,
        recommenders=[row for row in rows if isinstance(row, Row)],
        codes=Row(
            f"{codes.method}, {codes.bits} bits",
            codes.measure(measured, groups),
            codes.bits // 8,
            codes.seconds,
            {},
        ),
        not_run=[row for row in rows if isinstance(row, NotRun)],
        seconds=clock() - started,
    )


@dataclass(frozen=True)
class _Run:
    """Tunes and measures one recommender."""

    validation: Problem
    final: Problem | None
    groups: Groups
    recipe: Recipe
    bar: tqdm[Any]
    clock: Clock

    def __call__(self, family: Family, seconds: float) -> Row | NotRun:
        try:
            return self._row(family, seconds)
        except (BitrecallError, MemoryError, RuntimeError) as error:
            # torch reports too little memory, and a singular matrix, as RuntimeError.
            return NotRun(family.name, str(error).partition("\n")[0] or type(error).__name__)

    def _row(self, family: Family, seconds: float) -> Row | NotRun:
        started = self.clock()
        tuned = self._tune(family, seconds)
        if isinstance(tuned, NotRun):
            return tuned
        problem = self.final or self.validation
        recommender = family.fit(problem.matrix, tuned.setting, self.recipe.seed)
        measures = measure(problem.batches(recommender), problem.train.item_degrees, self.groups)
        if self.final is not None:
            self.bar.update()
        return Row(
            family.title(tuned.setting),
            measures,
            recommender.bytes_per_item,
            self.clock() - started,
            dict(tuned.setting),
            tuned.trials,
            family.n_trials if family.axes else 0,
        )

    def _tune(self, family: Family, seconds: float) -> Tuned | NotRun:
        if not family.axes:
            return Tuned({}, 0)
        search = Search(
            family,
            self.validation,
            self.final,
            metric=self.recipe.validation.metric,
            seed=self.recipe.seed,
            seconds=seconds,
            clock=self.clock,
            on_trial=self.bar.update,
        )
        needed, left = search.expected_seconds(), max(seconds, 0)
        reason = f"about {needed:,.0f} s expected, {left:,.0f} s left for it"
        return search.run() or NotRun(family.name, f"{reason}; bitrecall benchmark runs it")
