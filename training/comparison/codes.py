"""The codes of a training, measured for a comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bitrecall.index.releases.release import Release
from bitrecall.results.comparison import BREAKDOWN, OVERALL, Groups, Measures
from bitrecall.training.comparison.measures import KS, measure
from bitrecall.training.comparison.problem import Problem
from bitrecall.training.comparison.recommenders import Listed
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.evaluation.held_out_users import HeldOutUsers
from bitrecall.training.evaluation.ranked_batches import release_batches
from bitrecall.training.training_result import TrainingResult


@dataclass(frozen=True)
class Codes:
    """The codes to compare.

    Attributes:
        method: name of the method that trained them.
        bits: their length.
        seconds: time of their training; None if unknown.
        measure: measures them on the held-out interactions of a problem.
        order_used_by: what makes them depend on the order of interactions, if it is known
            (see ``Comparison``).
    """

    method: str
    bits: int
    seconds: float | None
    measure: Callable[[Problem, Groups], Measures]
    order_used_by: tuple[str, ...] = ()

    @classmethod
    def of_training(
        cls, result: TrainingResult, test: Interactions | None, seconds: float | None
    ) -> Codes:
        """Return the codes of a training.

        Args:
            result: the finished training.
            test: its test split, to measure the release on. Without one, the codes of the fit with
                validation are measured.
            seconds: time of the training; None if unknown.
        """
        release = result.release
        if test is not None and len(test):
            return cls.of_release(release, test, seconds)

        def measured(problem: Problem, groups: Groups) -> Measures:
            if result.validation_lists is None:
                # The fit with validation ran in an earlier process: the groups are unknown.
                return {name: result.validation.get(name) for name in (*OVERALL, *BREAKDOWN)}
            lists = Listed(problem.held_out.users, result.validation_lists, release.bits // 8)
            return measure(problem.batches(lists), problem.train.item_degrees, groups)

        return cls(_method_of(release), release.bits, seconds, measured, _order_used_by(release))

    @classmethod
    def of_release(
        cls, release: Release, test: Interactions, seconds: float | None = None
    ) -> Codes:
        """Return the codes of a release, searched with its own index.

        Args:
            release: opened release.
            test: the test split.
            seconds: time of the training; None if unknown.
        """

        def measured(problem: Problem, groups: Groups) -> Measures:
            del problem
            held_out = HeldOutUsers.of(test, release.users, release.items)
            batches = release_batches(release, held_out, max(KS))
            return measure(batches, release.popularity, groups)

        return cls(_method_of(release), release.bits, seconds, measured, _order_used_by(release))


def _method_of(release: Release) -> str:
    method = str(release.manifest.recipe.get("method", "bitrecall"))
    return "Bitrecall" if method == "bitrecall" else method


def _order_used_by(release: Release) -> tuple[str, ...]:
    """Return what makes the codes of known users depend on the order."""
    recipe = release.manifest.recipe
    teacher = recipe.get("teacher") if recipe.get("method") == "bitrecall" else None
    users = ["teacher"] if isinstance(teacher, dict) and teacher.get("kind") == "learned" else []
    recency = release.manifest.recency
    if recency is not None and recency.known_strength:
        users.append("recency")
    return tuple(users)
