"""A data set: what is trained on, what is held out, and what was met on the way there."""

from __future__ import annotations

from dataclasses import dataclass

from training.data.interactions import Interactions
from training.data.options import Split

__all__ = ["Dataset", "ReadReport"]


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
        test_pairs_in_train: pairs dropped from a given test split because train has them too.
        test_users_not_in_train: users that only the test split has.
        test_items_not_in_train: items that only the test split has.
    """

    files: tuple[str, ...] = ()
    split: Split = Split.NONE
    rows_read: int = 0
    duplicates_collapsed: int = 0
    bad_rows_skipped: int = 0
    bad_row_examples: tuple[str, ...] = ()
    users_without_items: int = 0
    test_pairs_in_train: int = 0
    test_users_not_in_train: int = 0
    test_items_not_in_train: int = 0


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
