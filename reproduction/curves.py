"""Training curves of the runs, as lines to draw."""

from __future__ import annotations

from dataclasses import dataclass

from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.plan import StudyPlan
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import dataset_label, method_label

_METHODS = ("bitrecall", "proposed")  # other methods have losses on other scales
_BITS = 256
_STUDIES = ("loss",)
_METRIC = "recall@50"


@dataclass(frozen=True)
class Curve:
    """A line with a name."""

    label: str
    x: list[float]
    y: list[float]


def loss_curves(rows: list[Row]) -> list[Curve]:
    """Return the training loss by epoch of the 256-bit rows, the first seed of each."""
    curves: dict[tuple[str, str], Curve] = {}
    for row in rows:
        key = row["dataset"], row["method"]
        if row["split"] != "test" or row["bits"] != _BITS or row["method"] not in _METHODS:
            continue
        final = [record for record in row["curve"] if record["phase"] == "final"]
        if final and key not in curves:
            curves[key] = Curve(
                f"{method_label(row['method'])}, {dataset_label(row['dataset'])}",
                [record["epoch"] for record in final],
                [record["loss"] for record in final],
            )
    return list(curves.values())


def recall_curves(findings: PageData) -> list[tuple[StudyPlan, list[Curve]]]:
    """Return validation recall by minutes of training, for the studies that are plotted."""
    curves_by_study = []
    for study in findings.studies():
        if study.part.split("/")[-1] not in _STUDIES:
            continue
        curves = []
        for row in findings.rows_of(study):
            records = [record for record in row["curve"] if _METRIC in record["metrics"]]
            if records:
                curves.append(
                    Curve(
                        study.label(row["variant"]),
                        [record["seconds"] / 60 for record in records],
                        [record["metrics"][_METRIC] for record in records],
                    )
                )
        if curves:
            curves_by_study.append((study, curves))
    return curves_by_study
