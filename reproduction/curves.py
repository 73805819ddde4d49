"""What the runs' epochs look like, as lines to draw."""

from __future__ import annotations

from dataclasses import dataclass

from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.plan import StudyPlan
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import dataset_label, method_label

_METHODS = ("bitrecall", "proposed")  # the losses of the others are of other kinds
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
    """Training loss by epoch of the 256-bit rows, the first seed of each."""
    found: dict[tuple[str, str], Curve] = {}
    for row in rows:
        key = row["dataset"], row["method"]
        if row["split"] != "test" or row["bits"] != _BITS or row["method"] not in _METHODS:
            continue
        final = [record for record in row["curve"] if record["phase"] == "final"]
        if final and key not in found:
            found[key] = Curve(
                f"{method_label(row['method'])}, {dataset_label(row['dataset'])}",
                [record["epoch"] for record in final],
                [record["loss"] for record in final],
            )
    return list(found.values())


def recall_curves(findings: PageData) -> list[tuple[StudyPlan, list[Curve]]]:
    """Validation recall by minutes of training, of the studies whose course is of interest."""
    found = []
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
            found.append((study, curves))
    return found
