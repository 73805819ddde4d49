"""From a path, or the word ``sample``, to a data set with its splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.data.collect import collect
from training.data.dataset import Dataset, ReadReport
from training.data.detect import open_source
from training.data.files import DataFile, DataFiles, find_files
from training.data.interactions import Interactions, collapse
from training.data.keyed import KeyedSource
from training.data.lightgcn import read_lightgcn
from training.data.options import Format, ReadOptions, Split
from training.data.rows import BadRows, FileRows, Vocabulary
from training.data.sample import sample_dataset
from training.data.split import by_time, random_per_user
from training.errors import DataError

__all__ = ["load_dataset"]


def load_dataset(
    data: Path | str | Sequence[Path | str], options: ReadOptions | None = None
) -> Dataset:
    """Read interactions, or generate the sample if the path is ``sample``.

    Args:
        data: a folder or a file; or several, which are one data set.
        options: how to read and split it.

    Raises:
        DataError: nothing usable is there; it says where and why.
    """
    options = ReadOptions() if options is None else options
    paths = [data] if isinstance(data, (str, Path)) else list(data)
    if [str(path) for path in paths] == ["sample"]:
        return _split(sample_dataset(), options)
    return _split(_read(find_files([Path(path) for path in paths]), options), options)


def _read(files: DataFiles, options: ReadOptions) -> Dataset:
    """The files as they are, before any split of ours."""
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    parts: list[FileRows] = []
    fallback = None
    for file in (*files.train, *files.test):
        rows = _read_file(file, vocabulary, bad_rows, options, fallback)
        # The other files of the data set are in this format too, if nothing says otherwise.
        fallback = Format.LIGHTGCN if rows.columns is None else fallback
        parts.append(rows)
    train_rows, test_rows = parts[: len(files.train)], parts[len(files.train) :]
    user_ids, item_ids = list(vocabulary.users), list(vocabulary.items)
    train, test = (_collapse(user_ids, item_ids, rows) for rows in (train_rows, test_rows))
    rows_read = sum(len(rows.users) for rows in parts)
    names = tuple(file.name for file in (*files.train, *files.test))
    report = ReadReport(
        files=names,
        rows_read=rows_read,
        duplicates_collapsed=rows_read - len(train) - len(test),
        bad_rows_skipped=bad_rows.count,
        bad_row_examples=tuple(bad_rows.examples),
        users_without_items=sum(rows.users_without_items for rows in parts),
        columns=tuple(dict.fromkeys(rows.columns for rows in parts if rows.columns is not None)),
        notes=_told(names, [rows.notes for rows in parts]),
        warnings=(*_told(names, [rows.warnings for rows in parts]), *_some_without_times(parts)),
    )
    if not len(train):
        raise DataError(_why_nothing(report), file=files.train[0].path)
    return Dataset(train, test if files.test else None, files.name, report)


def _told(names: Sequence[str], by_file: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What was said of the files, each text once, with the first file if there are several."""
    first: dict[str, list[str]] = {}
    for name, texts in zip(names, by_file, strict=True):
        for text in texts:
            first.setdefault(text, []).append(name)
    if len(names) == 1:
        return tuple(first)
    return tuple(
        f"{files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: {text}"
        for text, files in first.items()
    )


def _some_without_times(parts: Sequence[FileRows]) -> list[str]:
    having = sum(rows.times is not None for rows in parts)
    if not 0 < having < len(parts):
        return []
    return [
        f"{len(parts) - having} of the {len(parts)} files have no times, so those of the other "
        "files count only within their own split"
    ]


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


def _read_file(
    file: DataFile,
    vocabulary: Vocabulary,
    bad_rows: BadRows,
    options: ReadOptions,
    fallback: Format | None,
) -> FileRows:
    source = open_source(file.path, options, fallback)
    if source is None:
        return read_lightgcn(file.path, vocabulary, bad_rows, options.encoding)
    if file.keys:
        source = KeyedSource(source, file.keys)
    return collect(source, vocabulary, bad_rows, options)


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
