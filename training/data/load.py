"""Load a data set with its splits from files, a database, a table or the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from bitrecall.training.data.assembly import assemble
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.files.data_files import DataFile, DataFiles, find_files
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import Format, PairWeight, ReadOptions, Split
from bitrecall.training.data.rows.file_rows import BadRows, FileRows, Vocabulary
from bitrecall.training.data.rows.row_encoding import encode_rows
from bitrecall.training.data.rows.row_selection import column_options
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
    """Read interactions from files or a database, or generate the sample.

    Args:
        data: a folder, a file, several of them that form one data set, the URL of a database, or
            ``sample``.
        options: how to read and split it.

    Raises:
        DataError: the data cannot be read or has no interactions.
    """
    options = ReadOptions() if options is None else options
    paths = [data] if isinstance(data, (str, Path)) else list(data)
    if any(map(is_database, paths)):
        if len(paths) > 1:
            raise DataError("the URL of a database must be the only DATA")
        return _split(_read_database(str(paths[0]), options), options)
    if options.query is not None:
        raise DataError(
            "--query needs the URL of a database as DATA, such as postgresql://USER@HOST/NAME"
        )
    if [str(path) for path in paths] == ["sample"]:
        _refuse_columns(options, "the sample")
        return _split(sample_dataset(), options)
    return _split(_read(find_files([Path(path) for path in paths]), options), options)


def dataset_of(
    frame: pl.DataFrame, options: ReadOptions | None = None, name: str = "events"
) -> Dataset:
    """Read interactions from a table in memory; columns are detected as in files.

    Args:
        frame: one row per interaction.
        options: how to read and split it; options that apply only to files have no effect.
        name: name of the data set, for messages.

    Raises:
        DataError: a row is bad, or the table has no interactions.
    """
    options = ReadOptions() if options is None else options
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    rows = encode_rows(FrameSource(frame, name), vocabulary, bad_rows, options)
    return _split(assemble([rows], 1, vocabulary, bad_rows, [name], name, name, options), options)


def _read_database(url: str, options: ReadOptions) -> Dataset:
    """Read the rows of a query."""
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    with SqlSource(url, options.query) as source:
        rows = encode_rows(source, vocabulary, bad_rows, options)
    label = source.label
    return assemble([rows], 1, vocabulary, bad_rows, [label], label, label, options)


def _read(files: DataFiles, options: ReadOptions) -> Dataset:
    """Read all files; ``_split`` splits them later."""
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    parts: list[FileRows] = []
    fallback = None
    for file in (*files.train, *files.test):
        rows = _read_file(file, vocabulary, bad_rows, options, fallback)
        # Assume this format for the other files of the data set, if their content fits.
        fallback = Format.LIGHTGCN if rows.columns is None else fallback
        parts.append(rows)
    names = [file.name for file in (*files.train, *files.test)]
    n_train, first = len(files.train), files.train[0].path
    return assemble(parts, n_train, vocabulary, bad_rows, names, first, files.name, options)


def _refuse_columns(options: ReadOptions, source: str) -> None:
    if names := column_options(options):
        raise DataError(f"{source} has no columns for {' or '.join(names)}")


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
        is_new = ~np.isin(test.keys(), train.keys(), assume_unique=True)
        report = replace(report, test_pairs_in_train=int((~is_new).sum()))
        test = test.select(is_new)
    else:
        if test is not None:
            pooled = _pool(train, test, options.pair_weight)
            repeated = len(train) + len(test) - len(pooled)
            report = replace(report, duplicates_collapsed=report.duplicates_collapsed + repeated)
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
