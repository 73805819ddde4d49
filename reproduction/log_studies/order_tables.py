"""The tables of codes and of the sequence model."""

from __future__ import annotations

from collections.abc import Sequence

from bitrecall.reproduction.log_studies import codes, sasrec_study
from bitrecall.reproduction.log_studies.cell import METRICS
from bitrecall.reproduction.log_studies.summaries import datasets, mean, metric_cells
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import Summary, dataset_label, summarise
from bitrecall.reproduction.table_format import markdown, metric_title, spread

MODELS = {
    (codes.STUDY, codes.ORDER_IGNORED): "codes, recency off",
    (codes.STUDY, codes.WITH_RECENCY): "codes",
    (sasrec_study.STUDY, ""): "SASRec",
}
"""Models of the table of order, by study and variant."""


def order_table(rows: Sequence[Row]) -> str:
    """Return the test metrics of codes and of the sequence model."""
    titles = ["data", "model", "bytes per item", *map(metric_title, METRICS), "s", "search, s"]
    lines = []
    for label, model, summary in order_summaries(rows):
        details = summary.first["details"]
        is_codes = summary.first["study"] == codes.STUDY
        size = details["bits"] // 8 if is_codes else 4 * details["settings"]["dimensions"]
        times = [
            mean(summary, lambda row: row["wall_seconds"])
            if is_codes
            else mean(summary, lambda row: row["details"]["training_seconds"]),
            "" if is_codes else mean(summary, lambda row: row["details"]["search_seconds"]),
        ]
        lines.append([label, model, str(size), *metric_cells(summary), *times])
    return markdown(titles, lines)


def order_summaries(rows: Sequence[Row]) -> list[tuple[str, str, Summary]]:
    """Return data set, model and results of each row of the table of order."""
    found = summarise(row for row in rows if row["split"] == "test")
    by_key = {
        (summary.first["dataset"], summary.first["study"], summary.first["variant"]): summary
        for summary in found
    }
    return [
        (dataset_label(dataset), model, by_key[dataset, study, variant])
        for dataset in datasets(rows)
        for (study, variant), model in MODELS.items()
        if (dataset, study, variant) in by_key
    ]


def search_table(rows: Sequence[Row]) -> str:
    """Return the validation metric of each setting of SASRec."""
    summaries = summarise(
        row for row in rows if row["study"] == sasrec_study.STUDY and row["split"] == "validation"
    )
    metrics = dict.fromkeys(name for summary in summaries for name in summary.first["metrics"])
    titles = ["data", "dimensions", "dropout", *map(metric_title, metrics), "best epoch", "s"]
    lines = []
    for summary in summaries:
        details = summary.first["details"]
        settings = details["settings"]
        lines.append(
            [
                dataset_label(summary.first["dataset"]),
                str(settings["dimensions"]),
                f"{settings['dropout']:g}",
                *(spread(summary, metric) for metric in metrics),
                str(details["epoch"]),
                mean(summary, lambda row: row["wall_seconds"]),
            ]
        )
    return markdown(titles, lines)
