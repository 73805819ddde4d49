"""SASRec on the same splits as the codes: settings chosen on validation, scored once on test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from time import monotonic

from bitrecall.reproduction.log_studies.cell import KS, METRICS, Cell, CellRun, Measured
from bitrecall.reproduction.log_studies.sasrec.fit import fit, fit_with_validation
from bitrecall.reproduction.log_studies.sasrec.settings import SASRecSettings
from bitrecall.reproduction.results import Row
from bitrecall.training.comparison.problem import Problem
from bitrecall.training.errors import StudyError
from bitrecall.training.metrics import RankingMetrics

STUDY = "sasrec"
ON_TEST = "test"

GRID = tuple(
    SASRecSettings(dimensions=dimensions, dropout=dropout)
    for dimensions in (64, 128)
    for dropout in (0.2, 0.5)
)
"""The settings to choose from."""

# The recipe's cut, metric and seed: SASRec validates on the interactions that the codes do.
_SECTIONS = ("seed", "validation")


def cells(dataset: str, grid: Sequence[SASRecSettings] = GRID) -> list[Cell]:
    """Return a cell per setting, and the one that scores the best of them on the test split."""
    validated = [
        Cell(
            STUDY,
            dataset,
            variant_of(settings),
            partial(validate, settings=settings),
            asdict(settings),
            _SECTIONS,
        )
        for settings in grid
    ]
    names = [cell.name for cell in validated]
    score = partial(score_best, names=names)
    settings = {"grid": [asdict(setting) for setting in grid]}
    return [*validated, Cell(STUDY, dataset, ON_TEST, score, settings, _SECTIONS)]


def variant_of(settings: SASRecSettings) -> str:
    """Return the name of a setting's cell."""
    return f"{settings.dimensions}-dropout-{settings.dropout:g}"


def validate(run: CellRun, settings: SASRecSettings) -> list[Measured]:
    """Find the best epoch of a setting on validation."""
    problem = Problem.validation(run.dataset.train.compact(), run.recipe)
    metric = run.recipe.validation.metric
    result = fit_with_validation(problem, settings, run.recipe.seed, metric, run.print)
    details = {
        "epoch": result.epoch,
        "settings": asdict(settings),
        "training_seconds": round(result.seconds, 2),
        "validation_seconds": round(result.validation_seconds, 2),
        "curve": [list(point) for point in result.curve],
    }
    return [Measured("validation", {metric: result.metric}, details=details)]


def score_best(run: CellRun, names: Sequence[str]) -> list[Measured]:
    """Train the best setting on all training interactions, and score it on the test split.

    Raises:
        StudyError: a setting was not validated yet.
    """
    metric = run.recipe.validation.metric
    rows = [_row(run.rows, name, run.recipe.seed) for name in names]
    best = max(rows, key=lambda row: float(row["metrics"][metric]))
    settings = SASRecSettings(**best["details"]["settings"])
    problem = Problem.test(run.dataset.train.compact(), run.test)
    training = fit(problem.train, settings, run.recipe.seed, best["details"]["epoch"])
    metrics = RankingMetrics(KS, problem.train.n_items, problem.train.item_degrees)
    started = monotonic()
    for batch in problem.batches(training.recommender(), max(KS)):
        metrics.update(batch.ranked, batch.truth)
    result = metrics.result()
    details = {
        "chosen": best["part"],
        "epoch": best["details"]["epoch"],
        "settings": asdict(settings),
        # As of the codes: the training with validation, and the one on all interactions.
        "training_seconds": round(best["wall_seconds"] + training.seconds, 2),
        "search_seconds": round(sum(row["wall_seconds"] for row in rows), 2),
        "scoring_seconds": round(monotonic() - started, 2),
    }
    return [Measured("test", {name: result[name] for name in METRICS}, details=details)]


def _row(rows: Sequence[Row], name: str, seed: int) -> Row:
    for row in rows:
        if row["part"] == name and row["seed"] == seed:
            return row
    raise StudyError(f"{name} has no result yet: run it first")
