"""The results as plots: SVG, the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from training.reproduction.curves import Curve, loss_curves, recall_curves
from training.reproduction.pages import Findings
from training.reproduction.summary import (
    METHODS,
    Summary,
    dataset_label,
    datasets_of,
    method_label,
    study_rows,
    table_rows,
)

# Okabe and Ito's colours, told apart by colour-blind eyes too.
_COLOURS = {
    "bitrecall": "#0072B2",
    "proposed": "#D55E00",
    "bgch": "#009E73",
    "bgch-weighted": "#009E73",
    "hashgnn": "#CC79A7",
    "hashrec": "#E69F00",
    "lightgcn": "#333333",
    "simplex": "#666666",
}
_CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
_GREY = "#666666"
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
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
    "svg.fonttype": "none",  # text stays text: a few kilobytes a plot
    "svg.hashsalt": "bitrecall",
}
_METRIC, _METRIC_LABEL = "recall@50", "Recall@50"
_WIDTH, _HEIGHT = 4.6, 3.5


def draw(name: str, findings: Findings) -> str:
    """One plot of `training.reproduction.pages.PLOTS`, as the text of an SVG file."""
    text = StringIO()
    with mpl.rc_context(_STYLE):
        figure(name, findings).savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def draw_png(name: str, findings: Findings) -> bytes:
    """The same as a PNG picture, to look at."""
    from io import BytesIO

    content = BytesIO()
    with mpl.rc_context(_STYLE):
        figure(name, findings).savefig(content, format="png", dpi=120)
    return content.getvalue()


def figure(name: str, findings: Findings) -> Figure:
    """The figure, one panel for each of its data sets."""
    panels = _PANELS[name](findings)
    drawn = Figure(figsize=(_WIDTH * max(len(panels), 1), _HEIGHT), layout="constrained")
    FigureCanvasAgg(drawn)
    for place, panel in enumerate(panels, 1):
        panel(drawn.add_subplot(1, len(panels), place))
    return drawn


_Panel = Callable[[Axes], None]


@dataclass(frozen=True)
class _Label:
    x: float
    y: float
    text: str
    colour: str


def _bits(findings: Findings) -> list[_Panel]:
    return [_bits_panel(findings, dataset) for dataset in _tested(findings)]


def _bits_panel(findings: Findings, dataset: str) -> _Panel:
    def panel(axes: Axes) -> None:
        labels = []
        lengths: set[int] = set()
        for method in METHODS:
            found = [row for row in table_rows(findings.rows, dataset, method) if row.servable]
            if not found:
                continue
            bits = [int(row.first["bits"]) for row in found]
            means = [row.mean(_METRIC) or 0.0 for row in found]
            lengths |= set(bits)
            axes.plot(bits, means, "o-", color=_COLOURS[method], markersize=4, linewidth=1.6)
            labels.append(_Label(bits[-1], means[-1], method_label(method), _COLOURS[method]))
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted(lengths), [f"{count:,}" for count in sorted(lengths)])
        axes.xaxis.set_minor_locator(NullLocator())
        _reference_lines(axes, findings, dataset)
        _beside(axes, labels)
        _name_axes(axes, dataset_label(dataset), "bits a code")

    return panel


def _time(findings: Findings) -> list[_Panel]:
    return [_time_panel(findings, dataset) for dataset in _tested(findings)]


def _time_panel(findings: Findings, dataset: str) -> _Panel:
    def panel(axes: Axes) -> None:
        labels = []
        for method in METHODS:
            for row in table_rows(findings.rows, dataset, method):
                if row.first["study"] != "table":
                    continue
                x, y = row.minutes(), row.mean(_METRIC) or 0.0
                marker = "o" if row.servable else "D"
                axes.plot([x], [y], marker, color=_COLOURS.get(method, _GREY), markersize=6)
                labels.append(_Label(x, y, method_label(method), _COLOURS.get(method, _GREY)))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        _reference_lines(axes, findings, dataset)
        axes.margins(x=0.25)
        _beside(axes, labels)
        _name_axes(axes, dataset_label(dataset), "wall time of the run, minutes on two cores")

    return panel


def _curves(findings: Findings) -> list[_Panel]:
    panels = []
    losses = loss_curves(findings.rows)
    if losses:
        panels.append(
            _curve_panel("Training loss, 256 bits", "epoch", "smooth-recall loss", losses)
        )
    for study, curves in recall_curves(findings):
        title = f"{study.title} ({dataset_label(study.part.split('/')[0])})"
        panels.append(
            _curve_panel(title, "minutes of training steps", "validation Recall@50", curves)
        )
    return panels


def _curve_panel(title: str, x: str, y: str, curves: Sequence[Curve]) -> _Panel:
    def panel(axes: Axes) -> None:
        labels = []
        for curve, colour in zip(curves, _CYCLE * len(curves), strict=False):
            axes.plot(curve.x, curve.y, "o-", color=colour, markersize=3, linewidth=1.4)
            labels.append(_Label(curve.x[-1], curve.y[-1], curve.label, colour))
        _beside(axes, labels)
        _name_axes(axes, title, x, y)

    return panel


def _worth(findings: Findings) -> list[_Panel]:
    return [
        _worth_panel(findings, dataset)
        for dataset in datasets_of(findings.rows)
        if len(study_rows(findings.rows, dataset, "worth")) > 1
    ]


def _worth_panel(findings: Findings, dataset: str) -> _Panel:
    def panel(axes: Axes) -> None:
        study = findings.plan.studies.get(f"{dataset}/study/worth")
        whole, *others = study_rows(findings.rows, dataset, "worth")
        if study is not None:
            order = list(study.variant)
            whole, *others = sorted((whole, *others), key=lambda row: _place(row, order))
        base = whole.mean(_METRIC) or 1.0
        names = [_variant_name(study, row) for row in others]
        changes = [100 * ((row.mean(_METRIC) or 0.0) / base - 1) for row in others]
        places = range(len(others))
        colours = ["#D55E00" if change < 0 else "#0072B2" for change in changes]
        axes.barh(places, changes, color=colours, height=0.62)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.axvline(0, color=_GREY, linewidth=0.8)
        axes.grid(visible=False, axis="y")
        for place, change in zip(places, changes, strict=True):
            left = change < 0
            axes.annotate(
                f"{change:+.1f}%".replace("-", "−"),
                (change, place),
                xytext=(-3 if left else 3, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                fontsize=8,
            )
        axes.margins(x=0.18)
        title = f"{dataset_label(dataset)}: {_variant_name(study, whole)} {base:.4f}"
        axes.set_title(title.replace(" 0.", " ."))
        axes.set_xlabel(f"change of {_METRIC_LABEL}, %")

    return panel


_PANELS: dict[str, Callable[[Findings], list[_Panel]]] = {
    "bits": _bits,
    "time": _time,
    "curves": _curves,
    "worth": _worth,
}


def _tested(findings: Findings) -> list[str]:
    return datasets_of([row for row in findings.rows if row["split"] == "test"])


def _variant_name(study: Any, row: Summary) -> str:
    variant = str(row.first["variant"])
    return variant if study is None else str(study.label(variant))


def _place(row: Summary, order: list[str]) -> int:
    variant = row.first["variant"]
    return order.index(variant) if variant in order else len(order)


def _reference_lines(axes: Axes, findings: Findings, dataset: str) -> None:
    """Published figures of interest, as lines across."""
    for source, method, label in (
        ("poster", "proposed", "the paper"),
        ("poster", "bgch", "BGCH, as the paper has it"),
        ("bars", "lightgcn", "LightGCN in floats (BARS)"),
        ("bars", "simplex", "SimpleX in floats (BARS)"),
    ):
        published = findings.published.by(source, dataset, method)
        if published is None or _METRIC not in published.metrics:
            continue
        value = published.metrics[_METRIC]
        axes.axhline(value, color=_GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.annotate(
            label,
            (0, value),
            xycoords=("axes fraction", "data"),
            xytext=(2, 2),
            textcoords="offset points",
            fontsize=7,
            color=_GREY,
        )


def _name_axes(axes: Axes, title: str, x: str, y: str = _METRIC_LABEL) -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.yaxis.set_major_formatter(FuncFormatter(_share))


def _share(value: float, _: Any) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return text.replace("-0.", "−.").replace("0.", ".") if abs(value) < 1 else text


def _beside(axes: Axes, labels: Sequence[_Label]) -> None:
    """Write each label to the right of its point, moved up where it would cover another."""
    low, high = axes.get_ylim()
    step = 0.055 * (high - low)
    floor = float("-inf")
    for label in sorted(labels, key=lambda label: label.y):
        y = max(label.y, floor)
        floor = y + step
        axes.annotate(
            label.text,
            (label.x, y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=label.colour,
            annotation_clip=False,
        )
