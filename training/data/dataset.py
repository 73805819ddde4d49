"""A data set: what is trained on, what is held out, and what was met on the way there."""

from __future__ import annotations

from dataclasses import dataclass

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import Split

__all__ = ["ColumnUse", "Dataset", "ReadReport"]


@dataclass(frozen=True, kw_only=True)
class ColumnUse:
    """What the columns of a file were read as.

    Attributes:
        user: the column of user ids.
        item: the column of item ids.
        time: the column of times, or None.
        times: how the times were read (seconds, milliseconds, instants, ...), or None.
        others: columns that the row filter and the weights read.
        ignored: all others.
    """

    user: str
    item: str
    time: str | None = None
    times: str | None = None
    others: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def render(self) -> str:
        """The same in a line of text."""
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
    """What reading met. A row is a pair as the files have it, before anything was dropped.

    Attributes:
        files: the names of the files, train first.
        split: how the test split came about: given, time, random or none.
        rows_read: good rows of all files.
        duplicates_collapsed: rows that repeated a pair of the same split.
        bad_rows_skipped: rows left out because they could not be read.
        bad_row_examples: the first few of their messages.
        users_without_items: lines of a user and nothing else (LightGCN).
        rows_left_out: rows that filters left out, which are not among the rows read.
        selection: what filters and weights did, for people.
        test_pairs_in_train: pairs dropped from a given test split because train has them too.
        test_users_not_in_train: users that only the test split has.
        test_items_not_in_train: items that only the test split has.
        columns: which columns were read as what, each combination once.
        notes: what was decided about the files, such as lines that were skipped.
        warnings: what is suspicious, and columns that are ignored and look useful.
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

    def lines(self) -> list[str]:
        """What was read as what, notes and warnings, as lines of text."""
        return [
            *(f"columns: {use.render()}" for use in self.columns),
            *(f"note: {note}" for note in self.notes),
            *self.selection,
            *(f"warning: {warning}" for warning in self.warnings),
        ]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Interactions to train on and, where there are any, those held out for the test.

    Both share one vocabulary: the ids in the order of their first appearance in train, then
    those that only the test split has, which train holds without a pair.
    """

    train: Interactions
    test: Interactions | None
    name: str
    report: ReadReport
