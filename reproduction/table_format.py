"""Numbers, cells and Markdown for the tables of results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bitrecall.reproduction.published_results import Figure
from bitrecall.reproduction.summary import Summary

_DIGITS = 4


def number(value: float | None, digits: int = _DIGITS) -> str:
    """Format a share without its leading zero; None is an empty cell."""
    if value is None:
        return ""
    text = f"{abs(value):.{digits}f}".removeprefix("0" if abs(value) < 1 else "")
    return f"−{text}" if value < 0 and float(text) else text


def metric_title(metric: str) -> str:
    """Return the column title of a metric."""
    name, _, k = metric.partition("@")
    return {"recall": "R", "ndcg": "N", "bgch_ndcg": "BGCH-style N"}[name] + f"@{k}"


def spread(summary: Summary, metric: str) -> str:
    """Format the mean and, with several seeds, ± the standard deviation."""
    mean, deviation = number(summary.mean(metric)), summary.deviation(metric)
    return mean if deviation is None else f"{mean} ± {number(deviation)}"


def measured_cells(summary: Summary, metrics: Sequence[str]) -> list[str]:
    """Format our results, one cell per metric."""
    return [spread(summary, metric) for metric in metrics]


def published_cells(figure: Figure, metrics: Sequence[str]) -> list[str]:
    """Format published results, one cell per metric."""
    return [number(figure.metrics.get(metric)) for metric in metrics]


def markdown(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    body = [titles, ["---"] * len(titles), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in body)
