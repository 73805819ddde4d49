"""The tables of the README and of docs/results.md: our results next to published ones."""

from __future__ import annotations

from collections.abc import Sequence

from bitrecall.reproduction.published_results import Figure, Published
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import (
    METRICS,
    dataset_label,
    datasets_of,
    method_label,
    table_rows,
)
from bitrecall.reproduction.table_format import (
    markdown,
    measured_cells,
    metric_title,
    number,
    published_cells,
)

_HEADLINE_BITS = 256
# Method, name and the mark around its values.
_HEADLINE_METHODS = (
    ("bitrecall", "**Bitrecall**, 256 bits", "**"),
    ("proposed", "the paper's method, ours, 256 bits", ""),
)


def headline_table(rows: Sequence[Row], published: Published) -> str:
    """Return our results with 256 bits, next to those of the paper and of published floats."""
    lines = []
    for dataset in datasets_of(rows):
        label = dataset_label(dataset)
        for method, name, mark in _HEADLINE_METHODS:
            for summary in table_rows(rows, dataset, method):
                if summary.first["bits"] == _HEADLINE_BITS:
                    minutes, memory = summary.minutes(), summary.peak_rss_mib() / 1024
                    cells = [f"{mark}{cell}{mark}" for cell in measured_cells(summary, METRICS)]
                    cost = [f"{minutes:.0f} min", f"{memory:.1f} GiB"]
                    lines.append([label, name, *cells, *cost])
        for figure in (
            published.by("poster", dataset, "proposed"),
            published.by("lightgcn", dataset, "lightgcn"),
            published.by("bars", dataset, "lightgcn"),
            published.by("bars", dataset, "simplex"),
        ):
            if figure is not None:
                name = _published_name(figure, published)
                lines.append([label, name, *published_cells(figure, METRICS), "", ""])
    return markdown(["data", "", *map(metric_title, METRICS), "training", "peak memory"], lines)


def summary_table(rows: Sequence[Row], published: Published) -> str:
    """Return Recall@50 and NDCG@50 of 256 bits on each data set, next to published floats."""
    lines: dict[str, list[str]] = {}
    titles = [""]
    metrics = ["recall@50", "ndcg@50"]
    for dataset in datasets_of(rows):
        titles += [f"{dataset_label(dataset)} {metric_title(metric)}" for metric in metrics]
        cells: dict[str, list[str]] = {}
        for method, name, mark in _HEADLINE_METHODS:
            for summary in table_rows(rows, dataset, method):
                if summary.first["bits"] == _HEADLINE_BITS:
                    cells[name] = [
                        f"{mark}{number(summary.mean(metric))}{mark}" for metric in metrics
                    ]
        for source, method in (("poster", "proposed"), ("bars", "lightgcn"), ("bars", "simplex")):
            figure = published.by(source, dataset, method)
            if figure is not None:
                cells[_published_name(figure, published)] = published_cells(figure, metrics)
        for name in [*lines, *cells]:
            before = lines.setdefault(name, [""] * (len(titles) - 1 - len(metrics)))
            if len(before) < len(titles) - 1:
                before += cells.get(name, [""] * len(metrics))
    return markdown(titles, ([name, *line] for name, line in lines.items()))


def _published_name(figure: Figure, published: Published) -> str:
    source = published.source[figure.source].label
    return source if figure.method == "proposed" else f"{method_label(figure.method)} ({source})"
