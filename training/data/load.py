"""From a path, or the word ``sample``, to a data set with its splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.files.data_files import DataFile, DataFiles, find_files
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import Format, PairWeight, ReadOptions, Split
from bitrecall.training.data.rows.file_rows import BadRows, FileRows, Vocabulary
from bitrecall.training.data.rows.row_encoding import encode_rows
from bitrecall.training.data.rows.row_selection import (
    NOT_COMPARED,
    column_options,
    selection_lines,
)
from bitrecall.training.data.rows.row_weights import WeightTally
from bitrecall.training.data.sample import sample_dataset
from bitrecall.training.data.split import by_time, random_per_user
from bitrecall.training.data.tables.data_frame import FrameSource
from bitrecall.training.data.tables.folder_columns import FolderColumnsSource
from bitrecall.training.data.tables.format_detection import open_source
from bitrecall.training.data.tables.lightgcn_text import read_lightgcn
from bitrecall.training.data.tables.sql_query import SqlSource, is_database
from bitrecall.training.errors import DataError

__all__ = ["dataset_of", "load_dataset"]


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
    if any(map(is_database, paths)):
        if len(paths) > 1:
            raise DataError("the URL of a database has to be the only DATA")
        return _split(_read_database(str(paths[0]), options), options)
    if options.query is not None:
        raise DataError(
            "--query needs the URL of a database for DATA, such as postgresql://USER@HOST/NAME"
        )
    if [str(path) for path in paths] == ["sample"]:
        _refuse_columns(options, "the sample")
        return _split(sample_dataset(), options)
    return _split(_read(find_files([Path(path) for path in paths]), options), options)


def dataset_of(
    frame: pl.DataFrame, options: ReadOptions | None = None, name: str = "events"
) -> Dataset:
    """Read interactions from a table in memory, its columns found as those of files.

    Args:
        frame: one row per interaction.
        options: how to read and split it; what only concerns files has no effect.
        name: of the data set, for messages.

    Raises:
        DataError: nothing usable is there; it says in which row and why.
    """
    options = ReadOptions() if options is None else options
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    rows = encode_rows(FrameSource(frame, name), vocabulary, bad_rows, options)
    return _split(_assembled([rows], 1, vocabulary, bad_rows, [name], name, name, options), options)


def _read_database(url: str, options: ReadOptions) -> Dataset:
    """The rows of a query."""
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    with SqlSource(url, options.query) as source:
        rows = encode_rows(source, vocabulary, bad_rows, options)
    label = source.label
    return _assembled([rows], 1, vocabulary, bad_rows, [label], label, label, options)


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
    names = [file.name for file in (*files.train, *files.test)]
    n_train, first = len(files.train), files.train[0].path
    return _assembled(parts, n_train, vocabulary, bad_rows, names, first, files.name, options)


def _refuse_columns(options: ReadOptions, what: str) -> None:
    if given := column_options(options):
        raise DataError(f"{what} has no columns for {' or '.join(given)}")


def _assembled(
    parts: list[FileRows],
    n_train: int,
    vocabulary: Vocabulary,
    bad_rows: BadRows,
    names: Sequence[str],
    first: Path | str,
    name: str,
    options: ReadOptions,
) -> Dataset:
    """The rows of all sources as pairs; those after the first ``n_train`` are of the test split."""
    train_rows, test_rows = parts[:n_train], parts[n_train:]
    user_ids, item_ids = list(vocabulary.users), list(vocabulary.items)
    train, test = (_collapse(user_ids, item_ids, rows, options) for rows in (train_rows, test_rows))
    rows_read = sum(len(rows.users) for rows in parts)
    left_out = sum(rows.left_out for rows in parts)
    tallies = [rows.tally for rows in parts if rows.tally is not None]
    report = ReadReport(
        files=tuple(names),
        rows_read=rows_read,
        duplicates_collapsed=rows_read - len(train) - len(test),
        bad_rows_skipped=bad_rows.count,
        bad_row_examples=tuple(bad_rows.examples),
        users_without_items=sum(rows.users_without_items for rows in parts),
        rows_left_out=left_out,
        selection=selection_lines(options, left_out, _merged(tallies)),
        columns=tuple(dict.fromkeys(rows.columns for rows in parts if rows.columns is not None)),
        notes=_told(names, [rows.notes for rows in parts]),
        warnings=(*_told(names, [rows.warnings for rows in parts]), *_some_without_times(parts)),
    )
    if not len(train):
        raise DataError(_why_nothing(report, options), file=first)
    return Dataset(train, test if test_rows else None, name, report)


def _merged(tallies: list[WeightTally]) -> WeightTally | None:
    if not tallies:
        return None
    merged = WeightTally()
    for tally in tallies:
        merged.merge(tally)
    return merged


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


def _why_nothing(report: ReadReport, options: ReadOptions) -> str:
    if report.selection:
        odd = (one for one in report.warnings if one.endswith(NOT_COMPARED))
        why = (one.strip() for one in (*report.selection, *odd))
        return f"no row is left to train on. {'; '.join(why)}"
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
        _refuse_columns(options, "the LightGCN format")
        return read_lightgcn(file.path, vocabulary, bad_rows, options.encoding)
    if file.keys:
        source = FolderColumnsSource(source, file.keys)
    return encode_rows(source, vocabulary, bad_rows, options)


def _collapse(
    user_ids: list[str], item_ids: list[str], rows: list[FileRows], options: ReadOptions
) -> Interactions:
    none = np.zeros(0, np.int32)
    times = [part.times for part in rows if part.times is not None]
    weights = [part.weights for part in rows if part.weights is not None]
    return collapse(
        user_ids,
        item_ids,
        np.concatenate([none, *(part.users for part in rows)]),
        np.concatenate([none, *(part.items for part in rows)]),
        np.concatenate(times) if times and len(times) == len(rows) else None,
        weights=np.concatenate(weights) if weights else None,
        pair_weight=options.pair_weight,
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
            pooled = _pool(train, test, options.pair_weight)
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


def _pool(train: Interactions, test: Interactions, pair_weight: PairWeight) -> Interactions:
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
        None
        if train.weights is None or test.weights is None
        else np.concatenate([train.weights, test.weights]),
        pair_weight,
    )
