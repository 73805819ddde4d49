"""The plots of the page as SVG; the same results give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bitrecall.reproduction import axes as style
from bitrecall.reproduction.log_studies.cell import METRICS
from bitrecall.reproduction.log_studies.order_tables import MODELS, order_summaries
from bitrecall.reproduction.log_studies.recency_study import ALL_USERS, HALF_NEW
from bitrecall.reproduction.log_studies.recency_table import recency_rows
from bitrecall.reproduction.log_studies.steps_table import SizeResults, sizes_of
from bitrecall.reproduction.log_studies.summaries import datasets, mean_of
from bitrecall.reproduction.log_studies.teacher_tables import scorer_rows
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import dataset_label, summarise
from bitrecall.reproduction.table_format import metric_title

_WIDTH, _HEIGHT = 4.2, 3.0
_COLOURS = ("#56B4E9", "#0072B2", "#D55E00")

Panel = Callable[[Axes], None]


def draw(name: str, rows: Sequence[Row]) -> str | None:
    """Draw a plot of ``PLOTS`` as the text of an SVG file; None if it has no data."""
    panels = PLOTS[name](rows)
    if not panels:
        return None
    text = StringIO()
    with mpl.rc_context(style.STYLE):
        figure = Figure(figsize=(_WIDTH * len(panels), _HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        for place, panel in enumerate(panels, 1):
            panel(figure.add_subplot(1, len(panels), place))
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _order(rows: Sequence[Row]) -> list[Panel]:
    summaries = order_summaries(rows)

    def panel_of(label: str) -> Panel:
        def panel(axes: Axes) -> None:
            for number, (model, colour) in enumerate(zip(MODELS.values(), _COLOURS, strict=True)):
                of_model = [s for data, name, s in summaries if (data, name) == (label, model)]
                if of_model:
                    values = [of_model[0].mean(metric) or 0.0 for metric in METRICS]
                    places = [place + 0.27 * (number - 1) for place in range(len(METRICS))]
                    axes.bar(places, values, width=0.25, color=colour, label=model)
            axes.set_xticks(range(len(METRICS)), [metric_title(metric) for metric in METRICS])
            axes.set_ylim(top=1.3 * axes.get_ylim()[1])
            axes.legend(frameon=False, fontsize=8, loc="upper left")
            style.name_axes(axes, label, "", "test split")

        return panel

    labels = [dataset_label(name) for name in datasets(rows)]
    return [panel_of(label) for label in labels if any(data == label for data, _, _ in summaries)]


def _scorers(rows: Sequence[Row]) -> list[Panel]:
    def panel_of(dataset: str, of_dataset: Sequence[Row]) -> Panel:
        def panel(axes: Axes) -> None:
            added = {
                summary.first["variant"]: 100 * mean_of(summary, "added")
                for summary in summarise(of_dataset)
            }
            kinds = sorted(added, key=added.__getitem__)
            axes.barh(kinds, [added[kind] for kind in kinds], color=style.GAIN, height=0.62)
            axes.tick_params(axis="y", length=0)
            axes.grid(visible=False, axis="y")
            axes.set_title(dataset_label(dataset))
            axes.set_xlabel("of the explained log loss is lost without it, %")

        return panel

    by_dataset = {
        dataset: [row for row in scorer_rows(rows) if row["dataset"] == dataset]
        for dataset in datasets(rows)
    }
    return [panel_of(name, of_dataset) for name, of_dataset in by_dataset.items() if of_dataset]


def _recency(rows: Sequence[Row]) -> list[Panel]:
    def panel_of(dataset: str, groups: Sequence[Row]) -> Panel:
        def panel(axes: Axes) -> None:
            for row, (colour, line) in zip(groups, style.LINES, strict=False):
                gains = row["details"]["by_strength"]
                low, high = row["details"]["items"]
                name = "all users" if row["details"]["group"] == ALL_USERS else f"{low:,}–{high:,}"
                axes.plot(
                    range(len(gains)),
                    [100 * gain for gain in gains.values()],
                    marker="o",
                    linestyle=line,
                    color=colour,
                    markersize=3,
                    label=name,
                )
            axes.set_xticks(range(len(gains)), list(gains))
            axes.legend(frameon=False, fontsize=8, title="training items", title_fontsize=8)
            axes.set_title(f"{dataset_label(dataset)}, half of the items new")
            axes.set_xlabel("strength g, each with its best decay")
            axes.set_ylabel("gain, %")

        return panel

    by_dataset: dict[str, list[Row]] = {}
    for row in recency_rows(rows):
        if row["details"]["new"] == HALF_NEW:
            by_dataset.setdefault(row["dataset"], []).append(row)
    return [panel_of(dataset, groups) for dataset, groups in by_dataset.items()]


def _steps(rows: Sequence[Row]) -> list[Panel]:
    def panel_of(dataset: str, sizes: Sequence[SizeResults]) -> Panel:
        def panel(axes: Axes) -> None:
            for results, (colour, line) in zip(sizes, style.LINES, strict=False):
                steps = [mean_of(summary, "steps") for summary in results.summaries]
                shares = [100 * results.share(summary) for summary in results.summaries]
                users = results.summaries[0].first["details"]["users"]
                name = f"{users:,} users"
                axes.plot(
                    steps, shares, ".", linestyle=line, color=colour, markersize=5, label=name
                )
                for step, share, summary in zip(steps, shares, results.summaries, strict=True):
                    if summary.first["details"]["multiple"] == 1:
                        axes.plot([step], [share], "o", color=colour, markersize=7)
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            axes.legend(frameon=False, fontsize=8)
            axes.set_title(f"{dataset_label(dataset)} (● the recipe)")
            axes.set_xlabel("training steps")
            axes.set_ylabel("of the best R@50, %")

        return panel

    by_dataset: dict[str, list[SizeResults]] = {}
    for results in sizes_of(rows):
        by_dataset.setdefault(results.dataset, []).append(results)
    return [panel_of(dataset, sizes) for dataset, sizes in by_dataset.items()]


PLOTS: dict[str, Callable[[Sequence[Row]], list[Panel]]] = {
    "order": _order,
    "scorers": _scorers,
    "recency": _recency,
    "steps": _steps,
}
"""The plots, ``NAME.svg`` beside the page."""
