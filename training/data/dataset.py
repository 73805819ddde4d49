"""A data set: training interactions, held-out interactions, and a report of reading them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import Split
from bitrecall.training.data.row_ages import RowAges

__all__ = ["ColumnUse", "Dataset", "ReadReport"]


@dataclass(frozen=True, kw_only=True)
class ColumnUse:
    """Roles of the columns of a file.

    Attributes:
        user: name of the user column.
        item: name of the item column.
        time: name of the time column, or None.
        times: how the times were read (seconds, milliseconds, instants, ...), or None.
        others: columns that the row filter and the weights use.
        ignored: all other columns.
    """

    user: str
    item: str
    time: str | None = None
    times: str | None = None
    others: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def render(self) -> str:
        """Format the roles as one line of text."""
        parts = [f"user = {self.user}", f"item = {self.item}"]
        if self.time is not None:
            parts.append(f"time = {self.time} ({self.times})")
        if self.others:
            parts.append(f"filter and weight = {', '.join(self.others)}")
        shown = [
            *(name or "''" for name in self.ignored[:12]),
            *(["..."] if len(self.ignored) > 12 else []),
        ]
        return f"{', '.join(parts)}; ignored: {', '.join(shown) or 'none'}"


@dataclass(frozen=True, kw_only=True)
class ReadReport:
    """Counts, notes and warnings of reading a data set.

    Attributes:
        files: names of the files, train files first.
        split: how the test split was made: given, time, latest, random or none.
        rows_read: number of valid rows in all files, before duplicates are removed.
        duplicates_collapsed: number of rows that repeat a pair of the same split.
        bad_rows_skipped: number of rows that could not be read.
        bad_row_examples: the first few error messages of such rows.
        users_without_items: number of lines with a user only (LightGCN format).
        rows_left_out: number of rows that filters left out; not part of ``rows_read``.
        selection: lines of text about filters and weights.
        test_pairs_in_train: number of held-out pairs that train also has. They are not part of the
            test of new items.
        test_users_not_in_train: number of users that only the test split has.
        test_items_not_in_train: number of items that only the test split has.
        columns: roles of the columns, each combination once.
        notes: decisions about the files, such as skipped lines.
        warnings: suspicious data, and ignored columns that look useful.
    """

    files: tuple[str, ...] = ()
    split: Split = Split.NONE
    rows_read: int = 0
    duplicates_collapsed: int = 0
    bad_rows_skipped: int = 0
    bad_row_examples: tuple[str, ...] = ()
    users_without_items: int = 0
    rows_left_out: int = 0
    selection: tuple[str, ...] = ()
    test_pairs_in_train: int = 0
    test_users_not_in_train: int = 0
    test_items_not_in_train: int = 0
    columns: tuple[ColumnUse, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def bad_row_warnings(self) -> list[str]:
        """Describe the skipped bad rows with one example; empty without any."""
        if not self.bad_rows_skipped:
            return []
        count = f"{self.bad_rows_skipped:,} bad row{'s' if self.bad_rows_skipped > 1 else ''}"
        return [f"{count} skipped, such as {self.bad_row_examples[0]}"]

    def lines(self) -> list[str]:
        """Format columns, notes, filters and warnings as lines of text."""
        return [
            *(f"columns: {use.render()}" for use in self.columns),
            *(f"note: {note}" for note in self.notes),
            *self.selection,
            *(f"warning: {warning}" for warning in self.warnings),
        ]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training interactions and, if any are held out, test interactions.

    All share one vocabulary: ids in the order of their first appearance in train, then the ids
    that only the test split has.

    Attributes:
        train: training interactions.
        test: held-out interactions with items that are new to the user; None if none are held out.
        name: name of the data set.
        report: what was read.
        repeated: held-out interactions whose pairs are also in train; None without any.
        rows: the rows of ``train``, repetitions included; None if few pairs are repeated, or if
            their order is unknown.
    """

    train: Interactions
    test: Interactions | None
    name: str
    report: ReadReport
    repeated: Interactions | None = None
    rows: RowAges | None = None

    def held_out(self, *, with_repeats: bool = False) -> Interactions | None:
        """Return the test interactions, and if requested the repeated ones; None without any."""
        if not with_repeats or self.repeated is None:
            return self.test
        if self.test is None:
            return self.repeated
        return collapse(
            self.test.user_ids,
            self.test.item_ids,
            np.concatenate([self.test.users, self.repeated.users]),
            np.concatenate([self.test.items, self.repeated.items]),
        )
