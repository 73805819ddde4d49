"""Plots of the results as SVG; the same results give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO, StringIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bitrecall.reproduction import axes as style
from bitrecall.reproduction.curves import Curve, loss_curves, recall_curves
from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.summary import (
    METHODS,
    Summary,
    dataset_label,
    datasets_of,
    method_label,
    study_rows,
    table_rows,
)

_METRIC, _METRIC_LABEL = "recall@50", "Recall@50"
_WIDTH, _HEIGHT = 5.2, 3.5
_WORTH = "worth"
# Wider panels for longer labels.
_WIDTHS = {_WORTH: 7.5, "curves": 6.0}

_Panel = Callable[[Axes], None]


def draw(name: str, findings: PageData) -> str:
    """Draw one of ``bitrecall.reproduction.pages.PLOTS`` as the text of an SVG file."""
    text = StringIO()
    with mpl.rc_context(style.STYLE):
        figure = _figure(name, findings)
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def draw_png(name: str, findings: PageData) -> bytes:
    """Draw a plot as a PNG image."""
    content = BytesIO()
    with mpl.rc_context(style.STYLE):
        _figure(name, findings).savefig(content, format="png", dpi=120)
    return content.getvalue()


def _figure(name: str, findings: PageData) -> Figure:
    panels = _PANELS[name](findings)
    figure = Figure(
        figsize=(_WIDTHS.get(name, _WIDTH) * max(len(panels), 1), _HEIGHT), layout="constrained"
    )
    FigureCanvasAgg(figure)
    for place, panel in enumerate(panels, 1):
        panel(figure.add_subplot(1, len(panels), place))
    return figure


def _bits(findings: PageData) -> list[_Panel]:
    return [_bits_panel(findings, dataset) for dataset in findings.tested()]


def _bits_panel(findings: PageData, dataset: str) -> _Panel:
    def panel(axes: Axes) -> None:
        labels = []
        lengths: set[int] = set()
        for method in METHODS:
            summaries = [
                summary
                for summary in table_rows(findings.rows, dataset, method)
                if summary.servable
            ]
            if not summaries:
                continue
            colour = style.METHOD_COLOURS[method]
            bits = [int(summary.first["bits"]) for summary in summaries]
            means = [summary.mean(_METRIC) or 0.0 for summary in summaries]
            lengths |= set(bits)
            axes.plot(bits, means, "o-", color=colour, markersize=4, linewidth=1.6)
            labels.append(style.Label(bits[-1], means[-1], method_label(method), colour))
        if lengths:
            style.bits_scale(axes, sorted(lengths))
        style.reference_lines(axes, findings, dataset, _METRIC)
        style.label_points(axes, labels)
        style.name_axes(axes, dataset_label(dataset), "bits per code", _METRIC_LABEL)

    return panel


def _time(findings: PageData) -> list[_Panel]:
    return [_time_panel(findings, dataset) for dataset in findings.tested()]


def _time_panel(findings: PageData, dataset: str) -> _Panel:
    def panel(axes: Axes) -> None:
        labels = []
        for method in METHODS:
            for row in table_rows(findings.rows, dataset, method):
                if row.first["study"] != "table":
                    continue
                x, y, colour = row.minutes(), row.mean(_METRIC) or 0.0, style.METHOD_COLOURS[method]
                axes.plot([x], [y], "o" if row.servable else "D", color=colour, markersize=6)
                labels.append(style.Label(x, y, method_label(method), colour))
        if labels:
            style.minutes_scale(axes, [label.x for label in labels])
        style.reference_lines(axes, findings, dataset, _METRIC)
        style.label_points(axes, labels)
        title = f"{dataset_label(dataset)} (◆ not servable)"
        style.name_axes(axes, title, "wall time of the run, minutes", _METRIC_LABEL)

    return panel


def _curves(findings: PageData) -> list[_Panel]:
    panels = []
    losses = loss_curves(findings.rows)
    if losses:
        panels.append(
            _curve_panel("Training loss, 256 bits", "epoch", "smooth-recall loss", losses)
        )
    for study, curves in recall_curves(findings):
        title = f"{study.title} ({dataset_label(study.part.split('/')[0])})"
        x, y = "minutes of training steps", f"validation {_METRIC_LABEL}"
        panels.append(_curve_panel(title, x, y, curves))
    return panels


def _curve_panel(title: str, x: str, y: str, curves: Sequence[Curve]) -> _Panel:
    def panel(axes: Axes) -> None:
        labels = []
        for number, curve in enumerate(curves):
            colour, line = style.LINES[number % len(style.LINES)]
            axes.plot(curve.x, curve.y, marker="o", linestyle=line, color=colour, markersize=3)
            labels.append(style.Label(curve.x[-1], curve.y[-1], curve.label, colour))
        style.label_ends(axes, labels)
        style.name_axes(axes, title, x, y)

    return panel


def _worth(findings: PageData) -> list[_Panel]:
    return [
        _worth_panel(findings, dataset)
        for dataset in datasets_of(findings.rows)
        if len(study_rows(findings.rows, dataset, _WORTH)) > 1
    ]


def _worth_panel(findings: PageData, dataset: str) -> _Panel:
    study = findings.plan.studies.get(f"{dataset}/study/{_WORTH}")

    def name(row: Summary) -> str:
        variant = str(row.first["variant"])
        return variant if study is None else study.label(variant)

    def place(row: Summary) -> int:
        order = [] if study is None else list(study.variant)
        variant = row.first["variant"]
        return order.index(variant) if variant in order else len(order)

    def panel(axes: Axes) -> None:
        baseline, *others = sorted(study_rows(findings.rows, dataset, _WORTH), key=place)
        base = baseline.mean(_METRIC) or 1.0
        changes = [100 * ((row.mean(_METRIC) or 0.0) / base - 1) for row in others]
        places = range(len(others))
        colours = [style.LOSS if change < 0 else style.GAIN for change in changes]
        axes.barh(places, changes, color=colours, height=0.62)
        axes.set_yticks(places, [name(row) for row in others])
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.axvline(0, color=style.GREY, linewidth=0.8)
        axes.grid(visible=False, axis="y")
        for height, change in zip(places, changes, strict=True):
            left = change < 0
            axes.annotate(
                f"{'−' if left else '+'}{abs(change):.1f}%",
                (change, height),
                xytext=(-3 if left else 3, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                fontsize=8,
            )
        low, high = min(0.0, *changes), max(0.0, *changes)
        room = 0.16 * (high - low)
        axes.set_xlim(low - room, high + room)
        score = f"{base:.4f}".removeprefix("0")
        axes.set_title(f"{dataset_label(dataset)}: {name(baseline)} has {_METRIC_LABEL} {score}")
        axes.set_xlabel(f"change of {_METRIC_LABEL}, %")

    return panel


_PANELS: dict[str, Callable[[PageData], list[_Panel]]] = {
    "bits": _bits,
    "time": _time,
    "curves": _curves,
    "worth": _worth,
}
