"""Cells of tables, from the results of several seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from bitrecall.reproduction.log_studies.cell import METRICS
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import Summary
from bitrecall.reproduction.table_format import spread


def datasets(rows: Sequence[Row]) -> list[str]:
    """Return the names of the data sets, in the order of the rows."""
    return list(dict.fromkeys(row["dataset"] for row in rows))


def metric_cells(summary: Summary) -> list[str]:
    """Format the metrics of the studies, one cell per metric."""
    return [spread(summary, metric) for metric in METRICS]


def mean(summary: Summary, value: Callable[[Row], float], digits: int = 0) -> str:
    """Format the mean of a number of the rows over the seeds."""
    return f"{fmean(map(value, summary.rows)):,.{digits}f}"


def mean_of(summary: Summary, detail: str) -> float:
    """Return the mean of a number of the details over the seeds."""
    return fmean(row["details"][detail] for row in summary.rows)
