"""The table of training steps by the size of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bitrecall.reproduction.log_studies import steps_study
from bitrecall.reproduction.log_studies.cell import METRICS
from bitrecall.reproduction.log_studies.summaries import mean, mean_of, metric_cells
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import Summary, dataset_label, summarise
from bitrecall.reproduction.table_format import markdown, metric_title

_METRIC = "recall@50"


@dataclass(frozen=True)
class SizeResults:
    """The results of one size of a data set, with few steps first.

    Attributes:
        dataset: name of the data set.
        size: name of the size.
        summaries: results by number of steps.
    """

    dataset: str
    size: str
    summaries: Sequence[Summary]

    @property
    def best(self) -> float:
        """The best Recall@50."""
        return max(summary.mean(_METRIC) or 0.0 for summary in self.summaries)

    def share(self, summary: Summary) -> float:
        """Return Recall@50, as a share of the best."""
        return (summary.mean(_METRIC) or 0.0) / (self.best or 1.0)


def sizes_of(rows: Sequence[Row]) -> list[SizeResults]:
    """Return the results by data set and size."""
    groups: dict[tuple[str, str], list[Summary]] = {}
    for summary in summarise(row for row in rows if row["study"] == steps_study.STUDY):
        key = summary.first["dataset"], summary.first["details"]["size"]
        groups.setdefault(key, []).append(summary)
    order = list(steps_study.SIZES)
    return [
        SizeResults(*key, sorted(group, key=lambda summary: mean_of(summary, "steps")))
        for key, group in sorted(groups.items(), key=lambda item: order.index(item[0][1]))
    ]


def steps_table(rows: Sequence[Row]) -> str:
    """Return the metrics by size and number of steps."""
    titles = [
        *("data", "size", "users", "interactions", "batch", "epochs", "steps"),
        *map(metric_title, METRICS),
        *("of the best R@50", "s"),
    ]
    lines = []
    for results in sizes_of(rows):
        for summary in results.summaries:
            details = summary.first["details"]
            epochs = f"{details['epochs']:,}"
            lines.append(
                [
                    dataset_label(results.dataset),
                    results.size,
                    f"{details['users']:,}",
                    f"{details['interactions']:,}",
                    f"{details['batch']:,}",
                    f"**{epochs}**" if details["multiple"] == 1 else epochs,
                    f"{details['steps']:,}",
                    *metric_cells(summary),
                    f"{results.share(summary):.1%}",
                    mean(summary, lambda row: row["wall_seconds"]),
                ]
            )
    return markdown(titles, lines)
