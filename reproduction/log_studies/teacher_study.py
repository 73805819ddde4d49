"""The learned teacher's scorers and ranker, each measured by its lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.reproduction.log_studies.cell import KS, METRICS, Cell, CellRun, Measured
from bitrecall.training.comparison.problem import Problem
from bitrecall.training.comparison.recommenders import Listed
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import StudyError
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.learned.learned_lists import LearnedLists, learned_lists
from bitrecall.training.teacher.learned.scorer_set import ScorerSet, SparseScores
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from bitrecall.training.teacher.teacher_lists import best_items, block_users

STUDY = "teacher"
MEAN, RANKER = "mean of scores", "ranker"

_SECTIONS = ("seed", "teacher", "validation")
_DEPTH = max(KS)


def cells(dataset: str) -> list[Cell]:
    """Return the cell of a data set."""
    return [Cell(STUDY, dataset, "", measure_teacher, recipe_sections=_SECTIONS)]


def measure_teacher(run: CellRun) -> list[Measured]:
    """Measure each kind of scorer, the mean of all, and the ranker.

    On validation, scorers are fitted to the interactions that are not held out, and a user's list
    comes from the model of the ranker that has not seen the user's held-out interactions. On the
    test split, scorers are fitted to all training interactions, and the ranker is that of
    validation, as in a training.

    Raises:
        StudyError: the recipe has another teacher, or there are too few held-out interactions to
            fit a ranker.
    """
    recipe = run.recipe.teacher
    if recipe.kind != "learned":
        raise StudyError(f"this study needs the teacher 'learned', not {recipe.kind!r}")
    train = run.dataset.train.compact()
    validation = run.recipe.validation
    part, held_out = cut_validation(train, validation.share, run.recipe.seed, validation.cut)
    order = popularity_order(part)
    part, held_out = reorder_items(part, order), reorder_items(held_out, order)
    users = Validator(part, held_out, run.recipe).users
    truth = GroundTruth.from_lists(held_out.items_of(user) for user in users.tolist())
    run.print("scorers without the validation interactions")
    measured = [
        Measured("validation", lists_metrics(lists, part, truth), name)
        for name, lists in _lists_of_scorers(part, recipe, run.recipe.seed, users).items()
    ]
    run.print("ranker")
    learned = learned_lists(
        EdgeList.of(part, "cpu"),
        recipe,
        seed=run.recipe.seed,
        progress=run.progress_bar,
        held_out=EdgeList.of(held_out, "cpu"),
    )
    if learned.ranker is None:
        raise StudyError("there are too few held-out interactions to fit a ranker")
    metrics = lists_metrics(learned.lists.items[users, :_DEPTH], part, truth)
    measured.append(Measured("validation", metrics, RANKER))
    return [*_with_reports(measured, learned), *_on_test(run, train, learned)]


def lists_metrics(
    lists: NDArray[np.integer], train: Interactions, truth: GroundTruth
) -> dict[str, float]:
    """Return the metrics of the studies.

    Args:
        lists: (b, K) item rows, padded with ``OUTSIDE``.
        train: the interactions that were fitted.
        truth: the held-out items of the b users.
    """
    metrics = RankingMetrics(KS, train.n_items, train.item_degrees)
    metrics.update(lists, truth)
    result = metrics.result()
    return {name: result[name] for name in METRICS}


def _with_reports(measured: list[Measured], learned: LearnedLists) -> list[Measured]:
    """Add what each kind of scorer cost and added to the ranker."""
    reports = {report.kind: report for report in learned.scorers}
    return [
        Measured(result.split, result.metrics, result.variant, reports[result.variant]._asdict())
        if result.variant in reports
        else result
        for result in measured
    ]


def _on_test(run: CellRun, train: Interactions, learned: LearnedLists) -> list[Measured]:
    if run.dataset.test is None or not len(run.dataset.test):
        return []
    run.print("scorers of all training interactions")
    problem = Problem.test(train, run.dataset.test)
    recipe, seed = run.recipe.teacher, run.recipe.seed
    users = problem.held_out.users[problem.held_out.users != OUTSIDE]
    final = learned_lists(
        EdgeList.of(problem.train, "cpu"),
        recipe,
        seed=seed,
        progress=run.progress_bar,
        ranker=learned.ranker,
    )
    ranked = {
        MEAN: _lists_of_scorers(problem.train, recipe, seed, users)[MEAN],
        RANKER: final.lists.items[users],
    }
    measured = []
    for name, lists in ranked.items():
        metrics = RankingMetrics(KS, problem.train.n_items, problem.train.item_degrees)
        for batch in problem.batches(Listed(users, lists, 0), _DEPTH):
            metrics.update(batch.ranked, batch.truth)
        result = metrics.result()
        measured.append(Measured("test", {metric: result[metric] for metric in METRICS}, name))
    return measured


def _lists_of_scorers(
    train: Interactions, recipe: TeacherRecipe, seed: int, users: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    """Return the lists of each kind of scorer, and of the mean of all scores, (b, K)."""
    edges = EdgeList.of(train, "cpu")
    ages = None if edges.ages is None else edges.ages.numpy()
    scorers = ScorerSet(interaction_matrix(edges), ages, recipe, seed=seed)
    lists = _ListsByKind(scorers, len(users))
    size = block_users(*scorers.matrix.shape)
    for start in range(0, len(users), size):
        lists.add(start, users[start : start + size])
    return lists.lists


@dataclass
class _ListsByKind:
    """Lists by kind of scorer: of the sum of the scores of all models of the kind."""

    scorers: ScorerSet
    n_users: int

    def __post_init__(self) -> None:
        self.kinds = [name.partition("/")[0] for name in self.scorers.names]
        self.lists = {
            kind: np.full((self.n_users, _DEPTH), OUTSIDE, np.int64) for kind in (*self.kinds, MEAN)
        }

    def add(self, start: int, users: NDArray[np.int64]) -> None:
        """Rank the items of a block of users.

        Args:
            start: the users' first row in the lists.
            users: rows of the users.
        """
        shape = len(users), self.scorers.matrix.shape[1]
        total = torch.zeros(shape)
        sums: dict[str, Tensor] = {}
        for kind, scores in zip(self.kinds, self.scorers.scores(users), strict=True):
            dense = _dense(scores, shape)
            total += dense
            if kind in sums:
                sums[kind] += dense
            else:
                sums[kind] = dense
        seen = self.scorers.matrix[users].tocoo()
        rows, items = (torch.from_numpy(part).long() for part in (seen.row, seen.col))
        for kind, values in (*sums.items(), (MEAN, total)):
            values[rows, items] = -torch.inf
            best, scores = best_items(values, _DEPTH)
            ranked = torch.where(scores > -torch.inf, best, OUTSIDE).numpy()
            self.lists[kind][start : start + len(users), : ranked.shape[1]] = ranked


def _dense(scores: SparseScores | Tensor, shape: tuple[int, int]) -> Tensor:
    if isinstance(scores, Tensor):
        return scores
    dense = torch.zeros(shape)
    dense[scores.rows, scores.items] = scores.values
    return dense
