"""From a path, or the word ``sample``, to a data set with its splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from training.data.collect import collect
from training.data.dataset import Dataset, ReadReport
from training.data.detect import open_source
from training.data.files import DataFiles, find_files
from training.data.interactions import Interactions, collapse
from training.data.lightgcn import read_lightgcn
from training.data.options import Format, ReadOptions, Split
from training.data.rows import BadRows, FileRows, Vocabulary
from training.data.sample import sample_dataset
from training.data.split import by_time, random_per_user
from training.errors import DataError

__all__ = ["load_dataset"]


def load_dataset(path: Path | str, options: ReadOptions | None = None) -> Dataset:
    """Read a folder or a file of interactions, or generate the sample where the path is `sample`.

    Raises:
        DataError: nothing usable is there; it says where and why.
    """
    options = ReadOptions() if options is None else options
    if str(path) == "sample":
        return _split(sample_dataset(), options)
    return _split(_read(find_files(Path(path)), options), options)


def _read(files: DataFiles, options: ReadOptions) -> Dataset:
    """The files as they are, before any split of ours."""
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    train_rows: list[FileRows] = []
    test_rows: list[FileRows] = []
    fallback = None
    for path in (*files.train, files.test):
        if path is None:
            continue
        source = open_source(path, options, fallback)
        if source is None:
            # The other files of the folder are in this format too, if nothing says otherwise.
            fallback = Format.LIGHTGCN
            rows = read_lightgcn(path, vocabulary, bad_rows, options.encoding)
        else:
            rows = collect(source, vocabulary, bad_rows, options)
        (test_rows if path == files.test else train_rows).append(rows)
    user_ids, item_ids = list(vocabulary.users), list(vocabulary.items)
    train, test = (_collapse(user_ids, item_ids, rows) for rows in (train_rows, test_rows))
    every_row = train_rows + test_rows
    rows_read = sum(len(rows.users) for rows in every_row)
    report = ReadReport(
        files=tuple(path.name for path in (*files.train, files.test) if path is not None),
        rows_read=rows_read,
        duplicates_collapsed=rows_read - len(train) - len(test),
        bad_rows_skipped=bad_rows.count,
        bad_row_examples=tuple(bad_rows.examples),
        users_without_items=sum(rows.users_without_items for rows in every_row),
    )
    if not len(train):
        raise DataError(_why_nothing(report), file=files.train[0])
    return Dataset(train, None if files.test is None else test, files.name, report)


def _why_nothing(report: ReadReport) -> str:
    if report.bad_rows_skipped:
        return (
            f"has no interactions, and {report.bad_rows_skipped} bad rows, such as: "
            f"{report.bad_row_examples[0]}"
        )
    if report.users_without_items:
        return (
            "has no interactions: read in the LightGCN format (user item item …), each line is a "
            "user without an item. If it is a table without a header, name its columns"
        )
    return "has no interactions"


def _collapse(user_ids: list[str], item_ids: list[str], rows: list[FileRows]) -> Interactions:
    none = np.zeros(0, np.int32)
    times = [part.times for part in rows if part.times is not None]
    return collapse(
        user_ids,
        item_ids,
        np.concatenate([none, *(part.users for part in rows)]),
        np.concatenate([none, *(part.items for part in rows)]),
        np.concatenate(times) if times and len(times) == len(rows) else None,
    )


def _split(raw: Dataset, options: ReadOptions) -> Dataset:
    split = options.split
    if split is Split.AUTO:
        if raw.test is not None:
            split = Split.GIVEN
        else:
            split = Split.RANDOM if raw.train.times is None else Split.TIME
    train, test, report = raw.train, raw.test, raw.report
    if split is Split.GIVEN:
        if test is None:
            raise DataError(f"{raw.name} has no test file; choose the split time, random or none")
        fresh = ~np.isin(test.keys(), train.keys(), assume_unique=True)
        report = replace(report, test_pairs_in_train=int((~fresh).sum()))
        test = test.select(fresh)
    else:
        if test is not None:
            pooled = _pool(train, test)
            again = len(train) + len(test) - len(pooled)
            report = replace(report, duplicates_collapsed=report.duplicates_collapsed + again)
            train, test = pooled, None
        if split is Split.TIME:
            train, test = by_time(train, options.test_fraction)
        elif split is Split.RANDOM:
            train, test = random_per_user(train, options.test_fraction, options.seed)
    if test is None or not len(test):
        return Dataset(train, None, raw.name, replace(report, split=split))
    report = replace(
        report,
        split=split,
        test_users_not_in_train=int(((test.user_degrees > 0) & (train.user_degrees == 0)).sum()),
        test_items_not_in_train=int(((test.item_degrees > 0) & (train.item_degrees == 0)).sum()),
    )
    return Dataset(train, test, raw.name, report)


def _pool(train: Interactions, test: Interactions) -> Interactions:
    return collapse(
        train.user_ids,
        train.item_ids,
        np.concatenate([train.users, test.users]),
        np.concatenate([train.items, test.items]),
        None
        if train.times is None or test.times is None
        else np.concatenate([train.times, test.times]),
        None
        if train.places is None or test.places is None
        else np.concatenate([train.places, test.places + train.places.max(initial=-1) + 1]),
    )
