"""The results as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bitrecall.reproduction.plan import StudyPlan
from bitrecall.reproduction.published_results import Figure, Published
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import (
    BGCH_METRICS,
    METHODS,
    METRICS,
    Summary,
    dataset_label,
    datasets_of,
    method_label,
    study_rows,
    summarise,
    table_rows,
)
from bitrecall.reproduction.table_format import (
    markdown,
    measured_cells,
    metric_title,
    published_cells,
)

_UNSERVABLE = "†"
# Methods of the table of fewest bits.
_FEWEST_BITS_METHODS = ("bitrecall", "proposed")


def paper_table(rows: Sequence[Row], published: Published, dataset: str) -> str:
    """Return the paper's table: our results and the published ones, cell by cell."""
    lines = []
    for method in METHODS:
        lines += [
            _our_line(summary)
            for summary in table_rows(rows, dataset, method)
            if summary.first["study"] == "table"
        ]
        lines += [_published_line(figure, published) for figure in published.of(dataset, method)]
    titles = [
        "method",
        "bits",
        "source",
        *map(metric_title, METRICS),
        *map(metric_title, BGCH_METRICS),
    ]
    note = f"{_UNSERVABLE} not plain Hamming distance: no binary index serves it."
    return f"{markdown(titles, lines)}\n\n{note}"


def bits_table(rows: Sequence[Row], dataset: str) -> str:
    """Return the quality by code length, for methods with several lengths."""
    lines = []
    for method in METHODS:
        lengths = [summary for summary in table_rows(rows, dataset, method) if summary.servable]
        if len(lengths) > 1:
            lines += [
                [
                    method_label(method),
                    str(summary.first["bits"]),
                    *measured_cells(summary, METRICS),
                ]
                for summary in lengths
            ]
    return markdown(["method", "bits", *map(metric_title, METRICS)], lines)


def fewest_bits_table(rows: Sequence[Row], published: Published) -> str:
    """Return the fewest bits at which each method passes rows of the paper's table."""
    lines = []
    for dataset in datasets_of(rows):
        for target, label in (("proposed", "the paper's row"), ("bgch", "the paper's BGCH row")):
            figure = published.by("poster", dataset, target)
            if figure is None:
                continue
            recall = {key: value for key, value in figure.metrics.items() if "recall" in key}
            for targets, suffix in ((figure.metrics, ""), (recall, ", recall alone")):
                cells = [
                    _fewest_bits(rows, dataset, method, targets) for method in _FEWEST_BITS_METHODS
                ]
                lines.append([dataset_label(dataset), f"{label}{suffix}", *cells])
    return markdown(
        ["data", "to exceed", *(f"{METHODS[name]}" for name in _FEWEST_BITS_METHODS)], lines
    )


def study_table(rows: Sequence[Row], study: StudyPlan) -> str:
    """Return the variants of a study, each compared with the first."""
    dataset, _, name = study.part.split("/")
    summaries = {summary.first["variant"]: summary for summary in study_rows(rows, dataset, name)}
    order = [*(variant for variant in study.variant if variant in summaries)]
    order += [variant for variant in summaries if variant not in study.variant]
    first = summaries[order[0]].mean("recall@50") if order else None
    lines = [
        [
            study.label(variant),
            *measured_cells(summaries[variant], METRICS),
            _change(summaries[variant].mean("recall@50"), first),
            "/".join(str(row["epochs"]) for row in summaries[variant].rows),
            f"{summaries[variant].minutes():.1f}",
        ]
        for variant in order
    ]
    titles = ["variant", *map(metric_title, METRICS)]
    titles += ["R@50 relative to the first", "epochs", "minutes"]
    return markdown(titles, lines)


def runs_table(rows: Sequence[Row]) -> str:
    """Return the epochs, time and memory of every run."""
    lines = [
        [
            f"`{summary.first['part']}`",
            summary.first["split"],
            "/".join(str(row["seed"]) for row in summary.rows),
            "/".join(str(row["epochs"]) for row in summary.rows),
            f"{summary.minutes():.1f}",
            "/".join(dict.fromkeys(str(row["machine"]["threads"]) for row in summary.rows)),
            f"{summary.peak_rss_mib():,}",
        ]
        for summary in summarise(rows)
        if summary.first.get("variant") in (None, summary.first["part"].split("/")[-1])
    ]
    titles = (
        "part",
        "scored on",
        "seeds",
        "epochs",
        "minutes per run",
        "threads",
        "peak memory, MiB",
    )
    return markdown(titles, lines)


def log_text(row: Row) -> str:
    """Return the epochs of a run as in its log, and its final results."""
    lines = [f"{row['part']}, seed {row['seed']}, recipe {row['recipe_sha256'][:12]}"]
    for record in row["curve"]:
        scores = "".join(
            f"  {name} {value:.4f}" for name, value in record["metrics"].items() if name in METRICS
        )
        lines.append(
            f"{record['phase']:>10}  epoch {record['epoch']:>3}  loss {record['loss']:.5f}  "
            f"{record['seconds']:>7.1f} s{scores}"
        )
    scores = "  ".join(f"{name} {row['metrics'][name]:.5f}" for name in METRICS)
    lines.append(f"{row['split']}: {scores}")
    machine = row["machine"]
    lines.append(
        f"{row['wall_seconds']:.0f} s and {row['peak_rss_mib']} MiB on {machine['threads']} "
        f"threads of {machine['cpu']}, bitrecall {row['code_version']}"
    )
    return "\n".join(["```text", *lines, "```"])


def sources_list(published: Published) -> str:
    """Return the sources of the published figures."""
    return "\n".join(f"- {source.label}: {source.text}." for source in published.source.values())


def _our_line(summary: Summary) -> list[str]:
    name = f"**{method_label(summary.first['method'])}**"
    if not summary.servable:
        name += f" {_UNSERVABLE}"
    seeds = len(summary.rows)
    source = "ours" if seeds == 1 else f"ours, {seeds} seeds"
    return [
        name,
        str(summary.first["bits"]),
        source,
        *measured_cells(summary, (*METRICS, *BGCH_METRICS)),
    ]


def _published_line(figure: Figure, published: Published) -> list[str]:
    bits = "not stated" if figure.bits is None else str(figure.bits)
    source = published.source[figure.source].label
    cells = published_cells(figure, (*METRICS, *BGCH_METRICS))
    return [method_label(figure.method), bits, source, *cells]


def _fewest_bits(
    rows: Sequence[Row], dataset: str, method: str, targets: Mapping[str, float]
) -> str:
    lengths = [summary for summary in table_rows(rows, dataset, method) if summary.servable]
    for summary in lengths:
        means = {metric: summary.mean(metric) for metric in targets}
        if all((means[metric] or 0) > value for metric, value in targets.items()):
            return str(summary.first["bits"])
    return f"more than {lengths[-1].first['bits']}" if lengths else "not run"


def _change(value: float | None, first: float | None) -> str:
    if value is None or not first:
        return ""
    percent = 100 * (value / first - 1)
    return f"{'−' if percent < 0 else '+'}{abs(percent):.1f}%"
