"""Rows of several seeds as one: means, standard deviations, and names that people read."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bitrecall.reproduction.results import Row

METRICS = ("recall@20", "recall@50", "recall@100", "ndcg@20", "ndcg@50", "ndcg@100")
BGCH_METRICS = ("bgch_ndcg@20", "bgch_ndcg@50", "bgch_ndcg@100")

# In the order of the tables.
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
    """The runs of one part, or of one way of measuring it, over its seeds.

    Attributes:
        rows: one a seed, at least one.
    """

    rows: tuple[Row, ...]

    @property
    def first(self) -> Row:
        """For what all seeds share."""
        return self.rows[0]

    @property
    def servable(self) -> bool:
        """Whether an index of codes can serve it by plain Hamming distance."""
        return bool(self.first.get("similarity", "hamming") == "hamming")

    def mean(self, metric: str) -> float | None:
        """Over the seeds; None where it was not measured."""
        values = self._values(metric)
        return statistics.fmean(values) if values else None

    def deviation(self, metric: str) -> float | None:
        """Sample standard deviation over the seeds; None with fewer than two."""
        values = self._values(metric)
        return statistics.stdev(values) if len(values) > 1 else None

    def minutes(self) -> float:
        """Mean wall time of a run."""
        return statistics.fmean(row["wall_seconds"] for row in self.rows) / 60

    def peak_rss_mib(self) -> int:
        """The most memory that any of the runs held."""
        return int(max(row["peak_rss_mib"] for row in self.rows))

    def _values(self, metric: str) -> list[float]:
        return [row["metrics"][metric] for row in self.rows if metric in row["metrics"]]


def summarise(rows: Iterable[Row]) -> list[Summary]:
    """Gather rows by part and variant, in the order of their first appearance."""
    gathered: dict[tuple[str, str | None], list[Row]] = {}
    for row in rows:
        gathered.setdefault((row["part"], row.get("variant")), []).append(row)
    return [Summary(tuple(found)) for found in gathered.values()]


def table_rows(rows: Sequence[Row], dataset: str, method: str | None = None) -> list[Summary]:
    """What was scored on the test split of a data set, shorter codes first."""
    found = summarise(
        row
        for row in rows
        if row["dataset"] == dataset
        and row["split"] == "test"
        and (method is None or row["method"] == method)
    )
    return sorted(found, key=lambda summary: summary.first["bits"])


def study_rows(rows: Sequence[Row], dataset: str, study: str) -> list[Summary]:
    """The variants of a study on a data set."""
    return summarise(row for row in rows if row["dataset"] == dataset and row["study"] == study)


def datasets_of(rows: Sequence[Row]) -> list[str]:
    """The data sets that there are rows of, the known ones first."""
    found = {row["dataset"] for row in rows}
    return [name for name in DATASETS if name in found] + sorted(found - DATASETS.keys())


def dataset_label(name: str) -> str:
    """For people."""
    return DATASETS.get(name, name)


def method_label(name: str) -> str:
    """For people."""
    return METHODS.get(name, name)
