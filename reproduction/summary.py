"""Means and standard deviations over seeds, and display names."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bitrecall.reproduction.results import Row

METRICS = ("recall@20", "recall@50", "recall@100", "ndcg@20", "ndcg@50", "ndcg@100")
BGCH_METRICS = ("bgch_ndcg@20", "bgch_ndcg@50", "bgch_ndcg@100")

# Display names, in the order of the tables.
METHODS = {
    "bitrecall": "Bitrecall",
    "proposed": "Proposed",
    "bgch": "BGCH",
    "bgch-weighted": "BGCH, weighted",
    "hashgnn": "HashGNN",
    "hashrec": "HashRec",
    "lightgcn": "LightGCN in floats",
    "simplex": "SimpleX in floats",
}
DATASETS = {"gowalla": "Gowalla", "yelp2018": "Yelp2018", "sample": "the sample"}


@dataclass(frozen=True)
class Summary:
    """The results of one part and variant over its seeds.

    Attributes:
        rows: one row per seed, at least one.
    """

    rows: tuple[Row, ...]

    @property
    def first(self) -> Row:
        """Return the first row, for fields that all seeds share."""
        return self.rows[0]

    @property
    def servable(self) -> bool:
        """Return whether an index of codes can serve the method by plain Hamming distance."""
        return bool(self.first.get("similarity", "hamming") == "hamming")

    def mean(self, metric: str) -> float | None:
        """Return the mean over the seeds; None if the metric was not measured."""
        values = self._values(metric)
        return statistics.fmean(values) if values else None

    def deviation(self, metric: str) -> float | None:
        """Return the sample standard deviation over the seeds; None with fewer than two."""
        values = self._values(metric)
        return statistics.stdev(values) if len(values) > 1 else None

    def minutes(self) -> float:
        """Return the mean wall time of a run, in minutes."""
        return statistics.fmean(row["wall_seconds"] for row in self.rows) / 60

    def peak_rss_mib(self) -> int:
        """Return the maximum peak memory of the runs."""
        return int(max(row["peak_rss_mib"] for row in self.rows))

    def _values(self, metric: str) -> list[float]:
        return [row["metrics"][metric] for row in self.rows if metric in row["metrics"]]


def summarise(rows: Iterable[Row]) -> list[Summary]:
    """Group rows by part and variant, in the order of their first appearance."""
    groups: dict[tuple[str, str | None], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["part"], row.get("variant")), []).append(row)
    return [Summary(tuple(group)) for group in groups.values()]


def table_rows(rows: Sequence[Row], dataset: str, method: str | None = None) -> list[Summary]:
    """Return the results on the test split of a data set, shorter codes first."""
    summaries = summarise(
        row
        for row in rows
        if row["dataset"] == dataset
        and row["split"] == "test"
        and (method is None or row["method"] == method)
    )
    return sorted(summaries, key=lambda summary: summary.first["bits"])


def study_rows(rows: Sequence[Row], dataset: str, study: str) -> list[Summary]:
    """Return the variants of a study on a data set."""
    return summarise(row for row in rows if row["dataset"] == dataset and row["study"] == study)


def datasets_of(rows: Sequence[Row]) -> list[str]:
    """Return the data sets with rows, the known ones first."""
    names = {row["dataset"] for row in rows}
    return [name for name in DATASETS if name in names] + sorted(names - DATASETS.keys())


def dataset_label(name: str) -> str:
    """Return the display name of a data set."""
    return DATASETS.get(name, name)


def method_label(name: str) -> str:
    """Return the display name of a method."""
    return METHODS.get(name, name)
