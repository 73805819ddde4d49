"""A data set: what is trained on, what is held out, and what was met on the way there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.data.interactions import Interactions, collapse
from training.data.lightgcn import read_lightgcn
from training.data.options import ReadOptions, Split
from training.data.rows import BadRows, FileRows, Vocabulary
from training.data.split import by_time, random_per_user
from training.errors import DataError

__all__ = ["Dataset", "ReadReport", "load_dataset"]


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


def load_dataset(path: Path | str, options: ReadOptions | None = None) -> Dataset:
    """Read a folder or a file of interactions, or generate the sample where the path is `sample`.

    Raises:
        DataError: nothing usable is there; it says where and why.
    """
    options = ReadOptions() if options is None else options
    if str(path) == "sample":
        from training.data.sample import sample_dataset

        return sample_dataset()
    folder = Path(path)
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    train_rows = read_lightgcn(folder / "train.txt", vocabulary, bad_rows)
    test_rows = read_lightgcn(folder / "test.txt", vocabulary, bad_rows)
    user_ids, item_ids = list(vocabulary.users), list(vocabulary.items)
    train = collapse(user_ids, item_ids, train_rows.users, train_rows.items, train_rows.times)
    test = collapse(user_ids, item_ids, test_rows.users, test_rows.items, test_rows.times)
    fresh = ~np.isin(test.keys(), train.keys(), assume_unique=True)
    report = ReadReport(
        files=("train.txt", "test.txt"),
        split=Split.GIVEN,
        rows_read=len(train_rows.users) + len(test_rows.users),
        duplicates_collapsed=len(train_rows.users) + len(test_rows.users) - len(train) - len(test),
        test_pairs_in_train=int((~fresh).sum()),
    )
    return Dataset(train, test.select(fresh), folder.name, report)
