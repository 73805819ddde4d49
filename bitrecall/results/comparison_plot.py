"""The plot of a comparison: metrics by recommender, and bytes per item."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bitrecall.results.comparison import Comparison, ComparisonRow

_METRICS = {"Recall@20": "recall@20", "Recall@50": "recall@50", "NDCG@20": "ndcg@20"}
_CODES, _FLOATS = "#1f5f99", "#b9b9b9"


def draw(comparison: Comparison, path: Path) -> None:
    """Write the plot in the format of the path's suffix.

    Args:
        comparison: the comparison.
        path: the file.

    Raises:
        OSError: the file cannot be written.
    """
    rows = comparison.rows
    figure = Figure(figsize=(11, 1.4 + 0.42 * len(rows)), layout="constrained")
    panels = figure.subplots(1, len(_METRICS) + 1, sharey=True)
    for axes, (title, metric) in zip(panels, _METRICS.items(), strict=False):
        values = [row.measures.get(metric) or 0.0 for row in rows]
        _bars(axes, rows, values, [f"{value:.4f}".removeprefix("0") for value in values], title)
    sizes = [float(row.bytes_per_item) for row in rows]
    _bars(panels[-1], rows, sizes, [f"{size:,.0f}" for size in sizes], "bytes per item (log)")
    panels[-1].set_xscale("log")
    panels[-1].set_xlim(1, 8 * max(sizes))
    held_out = f"{comparison.interactions:,} {comparison.split} interactions"
    figure.suptitle(f"{comparison.data}: {comparison.users:,} users, {held_out}")
    figure.savefig(path)


def _bars(
    axes: Axes, rows: list[ComparisonRow], values: list[float], texts: list[str], title: str
) -> None:
    places = range(len(rows))
    colours = [_FLOATS] * (len(rows) - 1) + [_CODES]
    axes.barh(places, values, color=colours, height=0.65)
    axes.set_yticks(places, [row.name for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_title(title, fontsize=10)
    axes.set_xlim(0, 1.3 * max(values) or 1)
    axes.spines[["top", "right"]].set_visible(False)
    for place, (value, text) in enumerate(zip(values, texts, strict=True)):
        weight = "bold" if place == len(rows) - 1 else "normal"
        axes.annotate(
            text,
            (value, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            fontweight=weight,
        )
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
