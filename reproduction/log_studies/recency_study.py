"""The strength and the decay of recency by the activity of users, on validation.

Users are grouped by their number of training items. For each group, one choice of strength and
decay for all users is compared with the choice for the group alone. Choices are made on half of the
users and measured on the other half, and the other way around, so that many settings do not look
better by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.reproduction.log_studies.cell import Cell, CellRun, Measured
from bitrecall.training.data.histories import histories
from bitrecall.training.data.split import cut_validation, takes_latest
from bitrecall.training.errors import StudyError
from bitrecall.training.export import release_contents
from bitrecall.training.fitting.runner import fit_interactions
from bitrecall.training.recency.choice import DECAYS, STRENGTHS
from bitrecall.training.recency.validation_scores import ValidationScores

STUDY = "recency"
SCORE = "mean of recall@20 and ndcg@20"
NO_NEW, HALF_NEW = "none", "half"
ALL_USERS = "all"

SETTINGS = ((0.0, DECAYS[0]), *product(STRENGTHS, DECAYS))
"""Strength and decay; the first one has no effect."""

_GROUPS = 4
_STREAM = 17
_NO_ITEMS = np.empty(0, np.int64)


@dataclass(frozen=True)
class Scores:
    """Scores of users under each setting.

    Attributes:
        activity: int64 (b,), number of training items of each user.
        grid: float64 (number of settings, b), in the order of ``SETTINGS``.
        half: int64 (b,), the half of each user, 0 or 1.
    """

    activity: NDArray[np.int64]
    grid: NDArray[np.float64]
    half: NDArray[np.int64]


def cells(dataset: str) -> list[Cell]:
    """Return the cell of a data set."""
    settings = {"strengths": list(STRENGTHS), "decays": list(DECAYS), "groups": _GROUPS}
    return [Cell(STUDY, dataset, "", measure_recency, settings)]


def measure_recency(run: CellRun) -> list[Measured]:
    """Train without the validation interactions, and score codes that lean on the newest items.

    Raises:
        StudyError: the order of interactions is unknown, or validation does not hold out the latest
            ones.
    """
    train, recipe = run.dataset.train.compact(), run.recipe
    if not (train.is_ordered and takes_latest(train, recipe.validation.cut)):
        raise StudyError("this study needs interactions with times, the latest for validation")
    part, held_out = cut_validation(
        train, recipe.validation.share, recipe.seed, recipe.validation.cut
    )
    model = fit_interactions(part, recipe, run.fit_options("validation"), held_out=held_out)
    if model.validator is None or model.train.ages is None:
        raise StudyError("the order of the interactions without the held-out ones is unknown")
    contents = release_contents(model.embeddings, model.train, recipe)
    generator = np.random.default_rng([recipe.seed, _STREAM])
    known = model.train.user_degrees[model.validator.users] > 0
    users = model.validator.users[known]
    taken = histories(model.train, users.tolist(), generator)
    targets = histories(model.validator.held_out, users.tolist(), generator)
    half = generator.permutation(len(users)) % 2
    activity = np.array([len(items) for items in taken])
    measured: list[Measured] = []
    for new in (NO_NEW, HALF_NEW):
        counts = [len(items) // 2 if new == HALF_NEW else 0 for items in targets]
        rows = np.flatnonzero(np.array(counts) > 0) if new == HALF_NEW else np.arange(len(users))
        if not len(rows):
            continue
        scores = ValidationScores(
            contents,
            users[rows],
            [taken[row] for row in rows],
            [targets[row][: counts[row]] for row in rows],
            [targets[row][counts[row] :] for row in rows],
        )
        grid = np.array([scores.of_known(strength, decay) for strength, decay in SETTINGS])
        measured += by_activity(new, Scores(activity[rows], grid, half[rows]))
    return measured


def by_activity(new: str, scores: Scores) -> list[Measured]:
    """Return a result for all users and one per group of activity.

    Args:
        new: which of the held-out items the codes know, for the names of the results.
        scores: scores of all users.
    """
    results = []
    for name, members in _groups(scores.activity):
        base = scores.grid[0, members]
        details = {
            "new": new,
            "group": name,
            "items": [int(scores.activity[members].min()), int(scores.activity[members].max())],
            "users": len(members),
            "for_all": _choice(scores, members, np.arange(len(scores.half))),
            "for_group": _choice(scores, members, members),
            "by_strength": _best_by_strength(scores.grid[:, members]),
        }
        results.append(
            Measured("validation", {SCORE: float(base.mean())}, f"{new}/{name}", details)
        )
    return results


def _groups(activity: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    yield ALL_USERS, np.arange(len(activity))
    shares = np.arange(1, _GROUPS) / _GROUPS
    bounds = np.unique(np.quantile(activity, shares, method="inverted_cdf"))
    group = np.searchsorted(bounds, activity)
    for number in range(len(bounds) + 1):
        members = np.flatnonzero(group == number)
        if len(members):
            yield str(number + 1), members


def _choice(
    scores: Scores, members: NDArray[np.int64], choosers: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the gain of members, in shares of their score without recency.

    Each half of the members has the setting that is best for the choosers of the other half. The
    returned strength and decay are the best for all choosers.
    """
    base, values = scores.grid[0, members], np.empty(len(members))
    for side in (0, 1):
        others = choosers[scores.half[choosers] != side]
        chosen = _best(scores.grid[:, others]) if len(others) else 0
        here = scores.half[members] == side
        values[here] = scores.grid[chosen, members[here]]
    difference = values - base
    scale = base.mean() or 1.0
    strength, decay = SETTINGS[_best(scores.grid[:, choosers])]
    return {
        "strength": strength,
        "decay": decay,
        "gain": round(float(difference.mean() / scale), 6),
        "error": round(float(difference.std() / np.sqrt(len(members)) / scale), 6),
    }


def _best(grid: NDArray[np.float64]) -> int:
    return int(grid.mean(axis=1).argmax())


def _best_by_strength(grid: NDArray[np.float64]) -> dict[str, float]:
    """Return the gain of each strength with its best decay, in shares of the score without."""
    means = grid.mean(axis=1)
    strengths: Sequence[float] = [0.0, *STRENGTHS]
    best = {
        strength: max(
            mean for (other, _), mean in zip(SETTINGS, means, strict=True) if other == strength
        )
        for strength in strengths
    }
    return {
        f"{strength:g}": round(float(mean / (means[0] or 1.0) - 1), 6)
        for strength, mean in best.items()
    }
