"""The codes of the recipe on the test split, with and without their recency."""

from __future__ import annotations

from dataclasses import asdict, replace

from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.reproduction.log_studies.cell import KS, METRICS, Cell, CellRun, Measured
from bitrecall.training.evaluation.evaluate import evaluate
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.training_options import TrainingOptions

STUDY = "codes"
WITH_RECENCY, ORDER_IGNORED = "with recency", "recency off"


def cells(dataset: str) -> list[Cell]:
    """Return the cell of a data set."""
    return [Cell(STUDY, dataset, "", measure_codes)]


def measure_codes(run: CellRun) -> list[Measured]:
    """Train as ``bitrecall train`` does, and evaluate the release.

    Codes without recency are those of the same release: only its recency is removed.
    """
    test = run.test
    options = TrainingOptions(run.folder, progress_bar=run.progress_bar)
    pipeline = TrainingPipeline(run.dataset, run.recipe, options)
    result = pipeline.publish(ReleaseStore(run.folder / "releases"))
    release = result.release
    recency = release.recency
    variants = {WITH_RECENCY: release, ORDER_IGNORED: without_recency(release)}
    measured = []
    for variant, opened in variants.items():
        metrics = evaluate(opened, test, KS, progress=run.progress_bar).metrics
        details = {
            "epochs": result.epochs,
            "bits": release.bits,
            "recency": None if recency is None else asdict(recency),
        }
        measured.append(
            Measured("test", {name: metrics[name] for name in METRICS}, variant, details)
        )
    return measured


def without_recency(release: Release) -> Release:
    """Return a release with the same embeddings, whose codes do not depend on the order."""
    manifest = replace(release.manifest, recency=None)
    return replace(release, manifest=manifest, leaning_codes=None)
