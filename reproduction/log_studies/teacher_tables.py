"""The tables of the learned teacher: its scorers, its ranker, and its student."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bitrecall.reproduction.log_studies import codes, teacher_study
from bitrecall.reproduction.log_studies.cell import METRICS
from bitrecall.reproduction.log_studies.summaries import datasets, mean, metric_cells
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import Summary, dataset_label, summarise
from bitrecall.reproduction.table_format import markdown, metric_title, number

Key = tuple[str, str, str, str]
"""Study, data set, split and variant."""


def scorers_table(rows: Sequence[Row]) -> str:
    """Return what each kind of scorer costs, is worth alone, and adds to the ranker."""
    titles = ["data", "scorer", "s", *map(metric_title, METRICS), "adds"]
    lines = []
    for summary in summarise(scorer_rows(rows)):
        added = mean(summary, lambda row: 100 * row["details"]["added"], digits=1)
        lines.append(
            [
                dataset_label(summary.first["dataset"]),
                f"`{summary.first['variant']}`",
                mean(summary, lambda row: row["details"]["seconds"], digits=1),
                *metric_cells(summary),
                f"{added}%" if any(row["details"]["used"] for row in summary.rows) else "left out",
            ]
        )
    return markdown(titles, lines)


def scorer_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the kinds of scorers."""
    return [row for row in rows if row["study"] == teacher_study.STUDY and row["details"]]


def ranker_table(rows: Sequence[Row]) -> str:
    """Return the lists of the ranker beside those of the mean of all scores."""
    by_key = _by_key(rows)
    lines = []
    for dataset in datasets(rows):
        for split in ("validation", "test"):
            keys = [
                (teacher_study.STUDY, dataset, split, variant)
                for variant in (teacher_study.MEAN, teacher_study.RANKER)
            ]
            if not all(key in by_key for key in keys):
                continue
            average, ranker = (by_key[key] for key in keys)
            start = [dataset_label(dataset), split]
            lines += [
                [*start, teacher_study.MEAN, *metric_cells(average)],
                [*start, teacher_study.RANKER, *metric_cells(ranker)],
                [*start, "change", *(_change(average, ranker, metric) for metric in METRICS)],
            ]
    return markdown(["data", "split", "lists", *map(metric_title, METRICS)], lines)


def student_table(rows: Sequence[Row]) -> str:
    """Return the codes beside the lists that teach them, on the test split."""
    by_key = _by_key(rows)
    lines = []
    for dataset in datasets(rows):
        teacher = by_key.get((teacher_study.STUDY, dataset, "test", teacher_study.RANKER))
        if teacher is None:
            continue
        lines.append([dataset_label(dataset), "teacher", *metric_cells(teacher)])
        for variant, title in (
            (codes.ORDER_IGNORED, "codes, recency off"),
            (codes.WITH_RECENCY, "codes"),
        ):
            student = by_key.get((codes.STUDY, dataset, "test", variant))
            if student is not None:
                cells = [_with_share(student, teacher, metric) for metric in METRICS]
                lines.append([dataset_label(dataset), title, *cells])
    return markdown(["data", "lists", *map(metric_title, METRICS)], lines)


def _by_key(rows: Sequence[Row]) -> dict[Key, Summary]:
    def key(row: Row) -> Key:
        return row["study"], row["dataset"], row["split"], row["variant"]

    keys: dict[Key, list[Any]] = {}
    for row in rows:
        keys.setdefault(key(row), []).append(row)
    return {name: Summary(tuple(group)) for name, group in keys.items()}


def _change(before: Summary, after: Summary, metric: str) -> str:
    old, new = before.mean(metric), after.mean(metric)
    if not old or new is None:
        return ""
    change = 100 * (new / old - 1)
    return f"{'−' if change < 0 else '+'}{abs(change):.1f}%"


def _with_share(student: Summary, teacher: Summary, metric: str) -> str:
    value, best = student.mean(metric), teacher.mean(metric)
    return number(value) + (f" ({value / best:.1%})" if best and value is not None else "")
