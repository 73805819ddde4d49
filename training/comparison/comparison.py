"""Compare codes with float recommenders on the same held-out interactions.

Each recommender is tuned on the validation interactions that the training of the codes uses, then
fitted on all training interactions and measured on the test split, as the codes are. Without a test
split, all are measured on the validation interactions: the codes of the fit with validation, and
each recommender with its best setting there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic

from bitrecall.results.comparison import Comparison, ComparisonRow, NotRun
from bitrecall.training.comparison.codes import Codes
from bitrecall.training.comparison.families import FAMILIES
from bitrecall.training.comparison.family import Family
from bitrecall.training.comparison.float_rows import FloatRows
from bitrecall.training.comparison.measures import choose_groups
from bitrecall.training.comparison.problem import Problem, check_held_out, validation_share
from bitrecall.training.comparison.tuning import Clock
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.data.split import describe_cut
from bitrecall.training.recipe.recipe import Recipe


class InterruptedComparison(KeyboardInterrupt):
    """Ctrl-C was pressed; ``comparison`` has the rows that were ready."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__("the comparison was interrupted")
        self.comparison = comparison


def compare(
    train: Interactions,
    test: Interactions | None,
    recipe: Recipe,
    codes: Codes,
    *,
    data: str = "",
    row_ages: RowAges | None = None,
    seconds: float = math.inf,
    families: Sequence[Family] = FAMILIES,
    progress: bool | None = False,
    clock: Clock = monotonic,
) -> Comparison:
    """Measure the codes, and tune, fit and measure the float recommenders.

    Args:
        train: all training interactions; every user and item has at least one.
        test: the test split; None or empty if there is none.
        recipe: recipe of the codes; defines the validation interactions, their metric and the seed.
        codes: the codes.
        data: name of the data set.
        row_ages: the rows of ``train``; None if few pairs are repeated.
        seconds: time for the float recommenders.
        families: the float recommenders, in the order of the table.
        progress: show a bar on stderr; None shows it only if stderr is a terminal.
        clock: the clock of the times.

    Raises:
        EvaluationError: no user has enough interactions to hold one out for validation, or nothing
            is held out to measure the codes on.
        InterruptedComparison: Ctrl-C was pressed while the float recommenders ran.
    """
    started = clock()
    check_held_out(test, recipe)
    validation = Problem.validation(train, recipe, row_ages)
    final = Problem.test(train, test) if test is not None and len(test) else None
    measured = final or validation
    groups = choose_groups(measured.user_degrees(), measured.train.item_degrees)
    measures = codes.measure(measured, groups)
    rows = FloatRows(
        validation, measured, groups, recipe, families, seconds - (clock() - started), clock
    )

    def result() -> Comparison:
        outcomes = rows.outcomes()
        return Comparison(
            data=data,
            split="validation" if final is None else "test",
            users=measured.n_users,
            unknown_users=measured.n_unknown_users,
            interactions=measured.n_interactions,
            tuned_on=describe_cut(train, validation_share(recipe), recipe.validation.cut),
            groups=groups,
            recommenders=[row for row in outcomes if isinstance(row, ComparisonRow)],
            codes=ComparisonRow(
                f"{codes.method}, {codes.bits} bits",
                measures,
                codes.bits // 8,
                codes.seconds,
                {},
            ),
            not_run=[row for row in outcomes if isinstance(row, NotRun)],
            seconds=clock() - started,
            order_used_by=codes.order_used_by if train.is_ordered else (),
        )

    try:
        rows.run(progress)
    except KeyboardInterrupt:
        raise InterruptedComparison(result()) from None
    return result()
