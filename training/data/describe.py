"""Describe a data set: counts, their distribution, and the report of reading it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.interactions import Interactions

__all__ = ["Description", "PartDescription", "Spread", "describe"]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Distribution of pairs over the users or items with at least one pair; zeros without any.

    Attributes:
        minimum: smallest number of pairs.
        median: median number of pairs.
        mean: mean number of pairs.
        p90: 90th percentile.
        maximum: largest number of pairs.
        gini: Gini coefficient: 0 if all have the same number, close to 1 if one has all pairs.
        top_1_percent: share of all pairs that belong to the top 1% (at least one user or item).
    """

    minimum: int
    median: float
    mean: float
    p90: float
    maximum: int
    gini: float
    top_1_percent: float


@dataclass(frozen=True, kw_only=True)
class PartDescription:
    """Counts of the train or the test split.

    Attributes:
        users: number of users with a pair.
        items: number of items with a pair.
        pairs: number of unique (user, item) pairs.
        density: pairs / (users * items).
        per_user: distribution of pairs per user.
        per_item: distribution of pairs per item.
        first_time: earliest time, ISO 8601 in UTC, or None.
        last_time: latest time, likewise.
        sha256: fingerprint, see ``Interactions.sha256``.
    """

    users: int
    items: int
    pairs: int
    density: float
    per_user: Spread
    per_item: Spread
    first_time: str | None
    last_time: str | None
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Description:
    """The output of ``bitrecall data describe``.

    Attributes:
        name: name of the data set. users: number of users in the vocabulary. items: number of items
        in the vocabulary. cold_users: number of users without a pair in train. cold_items: number
        of items without a pair in train. train: counts of the train split. test: counts of the test
        split, or None. order: what orders a user's pairs in train: "timestamp" or "the order of
        lines"; None if their
            order is unknown.
        report: report of reading the data set.
    """

    name: str
    users: int
    items: int
    cold_users: int
    cold_items: int
    train: PartDescription
    test: PartDescription | None
    order: str | None
    report: ReadReport

    def as_dict(self) -> dict[str, object]:
        """Return nested dicts, lists, strings and numbers that JSON can encode."""
        return asdict(self)

    def render(self) -> str:
        """Format as aligned lines of text, without a line end after the last."""
        test = self.test
        parts = [self.train] if test is None else [self.train, test]
        rows = [
            ("", ["train", "test"][: len(parts)]),
            ("pairs", [f"{part.pairs:,}" for part in parts]),
            ("users", [f"{part.users:,}" for part in parts]),
            ("items", [f"{part.items:,}" for part in parts]),
            ("density", [f"{part.density:.4%}" for part in parts]),
            ("first time", [part.first_time or "none" for part in parts]),
            ("last time", [part.last_time or "none" for part in parts]),
            ("sha256", [f"{part.sha256[:16]}…" for part in parts]),
        ]
        spreads = [
            ("", ["min", "median", "mean", "p90", "max", "gini", "top 1 %"]),
            *(
                (f"{name}, pairs per {kind}", _cells(spread))
                for name, part in zip(("train", "test"), parts, strict=False)
                for kind, spread in (("user", part.per_user), ("item", part.per_item))
            ),
        ]
        report = self.report
        notes = [
            ("files", _join_names(report.files)),
            ("split", str(report.split)),
            ("order of a user's pairs", self._order_text()),
            ("rows read", f"{report.rows_read:,}"),
            ("duplicates collapsed", f"{report.duplicates_collapsed:,}"),
            ("bad rows skipped", f"{report.bad_rows_skipped:,}"),
            ("users without items", f"{report.users_without_items:,}"),
            ("test pairs also in train", f"{report.test_pairs_in_train:,}"),
            ("users without a train pair", f"{self.cold_users:,}"),
            ("items without a train pair", f"{self.cold_items:,}"),
        ]
        width = max(len(label) for label, _ in notes)
        lines = [
            f"{self.name}: {self.users:,} users, {self.items:,} items",
            "",
            *_table(rows),
            "",
            *_table(spreads),
            "",
            *(f"{label:<{width}}  {value}" for label, value in notes),
            *(f"  skipped: {example}" for example in report.bad_row_examples),
            *([""] if report.lines() else []),
            *report.lines(),
        ]
        return "\n".join(lines)

    def _order_text(self) -> str:
        if self.order is not None:
            return f"by {self.order}"
        if self.train.first_time is not None:
            return "unknown (most users' times are equal)"
        return "unknown"


def _join_names(files: tuple[str, ...]) -> str:
    """Join file names; of many, only the first ones and the last."""
    if len(files) <= 8:
        return ", ".join(files)
    return f"{', '.join(files[:3])}, ... {files[-1]} ({len(files):,} files)"


def describe(dataset: Dataset) -> Description:
    """Count users, items and pairs of a data set."""
    train = dataset.train
    return Description(
        name=dataset.name,
        users=train.n_users,
        items=train.n_items,
        cold_users=int((train.user_degrees == 0).sum()),
        cold_items=int((train.item_degrees == 0).sum()),
        train=_describe_part(train),
        test=None if dataset.test is None else _describe_part(dataset.test),
        order=train.order_name if train.is_ordered else None,
        report=dataset.report,
    )


def _describe_part(part: Interactions) -> PartDescription:
    users = int((part.user_degrees > 0).sum())
    items = int((part.item_degrees > 0).sum())
    return PartDescription(
        users=users,
        items=items,
        pairs=len(part),
        density=len(part) / (users * items) if users else 0.0,
        per_user=_spread(part.user_degrees),
        per_item=_spread(part.item_degrees),
        first_time=part.first_time,
        last_time=part.last_time,
        sha256=part.sha256(),
    )


def _spread(degrees: NDArray[np.int64]) -> Spread:
    counts = np.sort(degrees[degrees > 0])
    n = len(counts)
    if not n:
        return Spread(
            minimum=0, median=0.0, mean=0.0, p90=0.0, maximum=0, gini=0.0, top_1_percent=0.0
        )
    total = int(counts.sum())
    # Gini of sorted counts x_1 ≤ … ≤ x_n: sum of (2 i - n - 1) x_i over n times their sum.
    gini = float(((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / (n * total))
    return Spread(
        minimum=int(counts[0]),
        median=float(np.median(counts)),
        mean=total / n,
        p90=float(np.quantile(counts, 0.9)),
        maximum=int(counts[-1]),
        gini=gini,
        top_1_percent=float(counts[-max(-(-n // 100), 1) :].sum() / total),
    )


def _cells(spread: Spread) -> list[str]:
    return [
        f"{spread.minimum:,}",
        f"{spread.median:,.0f}",
        f"{spread.mean:,.1f}",
        f"{spread.p90:,.0f}",
        f"{spread.maximum:,}",
        f"{spread.gini:.2f}",
        f"{spread.top_1_percent:.1%}",
    ]


def _table(rows: list[tuple[str, list[str]]]) -> list[str]:
    """Align labels left and cells right, each column as wide as its widest cell."""
    label_width = max(len(label) for label, _ in rows)
    widths = [
        max(len(cell) for cell in column) for column in zip(*(r[1] for r in rows), strict=True)
    ]
    return [
        "  ".join(
            [f"{label:<{label_width}}"]
            + [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]
        )
        for label, cells in rows
    ]
