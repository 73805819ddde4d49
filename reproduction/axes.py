"""The style of plots: colours, labels, reference lines, ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bitrecall.reproduction.findings import PageData

# The colours of Okabe and Ito, which colour-blind readers can distinguish.
METHOD_COLOURS = {
    "bitrecall": "#0072B2",
    "proposed": "#D55E00",
    "bgch": "#009E73",
    "bgch-weighted": "#009E73",
    "hashgnn": "#CC79A7",
    "hashrec": "#E69F00",
    "lightgcn": "#333333",
}
GAIN, LOSS, GREY = "#0072B2", "#D55E00", "#666666"
LINES = [
    (colour, line)
    for line in ("-", (0, (3, 2)))
    for colour in ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
]
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "svg.fonttype": "none",  # text is not converted to paths: a few kilobytes per plot
    "svg.hashsalt": "bitrecall",
}

# Height of a line of small text, as a share of the height of the axes.
_LINE_OF_TEXT = 0.055
_REFERENCES = (
    ("bars", "simplex", "SimpleX in floats"),
    ("bars", "lightgcn", "LightGCN in floats"),
    ("poster", "proposed", "the paper"),
    ("poster", "bgch", "the paper's BGCH"),
)
_MINUTES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Label:
    """Text to the right of a point, in data coordinates."""

    x: float
    y: float
    text: str
    colour: str


def label_points(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each label beside its point, moved up or down if it would cover another label."""
    heights = spread_out([label.y for label in labels], _LINE_OF_TEXT * _height(axes))
    for label, y in zip(labels, heights, strict=True):
        axes.annotate(
            label.text,
            (label.x, y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=label.colour,
            annotation_clip=False,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        )


def label_ends(axes: Axes, labels: Sequence[Label]) -> None:
    """Write the labels of curves beside the axes, each with a line to the end of its curve."""
    heights = spread_out([label.y for label in labels], _LINE_OF_TEXT * _height(axes))
    for label, y in zip(labels, heights, strict=True):
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=(1.06, y),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=label.colour,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": label.colour,
                "linewidth": 0.6,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
        )


def reference_lines(axes: Axes, findings: PageData, dataset: str, metric: str) -> None:
    """Draw published figures as horizontal lines, with names to the right of the axes."""
    references = []
    for source, method, label in _REFERENCES:
        figure = findings.published.by(source, dataset, method)
        if figure is not None and metric in figure.metrics:
            references.append((figure.metrics[metric], label))
    for value, _ in references:
        axes.axhline(value, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    heights = spread_out([value for value, _ in references], _LINE_OF_TEXT * _height(axes))
    for (_, label), y in zip(references, heights, strict=True):
        axes.annotate(
            label,
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=GREY,
            annotation_clip=False,
        )


def spread_out(values: Sequence[float], gap: float) -> list[float]:
    """Return the nearest values in the same order that are at least ``gap`` apart.

    Neighbours that are too close form a group, which is spread evenly about its mean.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    groups: list[list[int]] = []

    def centre(group: list[int]) -> float:
        return sum(values[place] for place in group) / len(group)

    def reach(group: list[int]) -> float:
        return gap * len(group) / 2

    for place in order:
        groups.append([place])
        while len(groups) > 1 and (
            centre(groups[-1]) - centre(groups[-2]) < reach(groups[-1]) + reach(groups[-2])
        ):
            last = groups.pop()
            groups[-1] += last
    spread = [0.0] * len(values)
    for group in groups:
        for number, place in enumerate(group):
            spread[place] = centre(group) + gap * (number - (len(group) - 1) / 2)
    return spread


def name_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Set title and labels, and format shares without leading zeros."""
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _share(value)))


def minutes_scale(axes: Axes, values: Sequence[float]) -> None:
    """Set a logarithmic scale of minutes with round ticks and room for labels."""
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 1.4, max(values) * 3.2)
    axes.xaxis.set_major_locator(FixedLocator(_MINUTES))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def bits_scale(axes: Axes, lengths: Sequence[int]) -> None:
    """Set a logarithmic scale of code lengths with a tick at each and room for labels."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(min(lengths) / 1.25, max(lengths) * 2.6)
    axes.set_xticks(lengths, [f"{count:,}" for count in lengths])
    axes.xaxis.set_minor_locator(NullLocator())


def _height(axes: Axes) -> float:
    low, high = axes.get_ylim()
    return high - low


def _share(value: float) -> str:
    text = f"{abs(value):.3f}".rstrip("0").rstrip(".")
    text = text.removeprefix("0") or "0"
    return f"−{text}" if value < 0 else text
