"""Load a data set with its splits from files, a database, a table or the sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from bitrecall.training.data.assembly import UnsplitData, assemble
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.dataset_split import split_dataset
from bitrecall.training.data.files.data_files import DataFile, DataFiles, find_files
from bitrecall.training.data.read_options import Format, ReadOptions
from bitrecall.training.data.rows.file_rows import BadRows, FileRows, Vocabulary
from bitrecall.training.data.rows.pooled_rows import PooledRows
from bitrecall.training.data.rows.row_encoding import encode_rows
from bitrecall.training.data.rows.row_selection import column_options
from bitrecall.training.data.sample import sample_dataset
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
        return split_dataset(_read_database(str(paths[0]), options), options)
    if options.query is not None:
        raise DataError(
            "--query needs the URL of a database as DATA, such as postgresql://USER@HOST/NAME"
        )
    if [str(path) for path in paths] == ["sample"]:
        _refuse_columns(options, "the sample")
        return split_dataset(_sample(options), options)
    return split_dataset(_read(find_files([Path(path) for path in paths]), options), options)


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
    return split_dataset(
        assemble([rows], 1, vocabulary, bad_rows, [name], name, name, options), options
    )


def _read_database(url: str, options: ReadOptions) -> UnsplitData:
    """Read the rows of a query."""
    vocabulary = Vocabulary()
    bad_rows = BadRows(options.skip_bad_rows)
    with SqlSource(url, options.query) as source:
        rows = encode_rows(source, vocabulary, bad_rows, options)
    label = source.label
    return assemble([rows], 1, vocabulary, bad_rows, [label], label, label, options)


def _read(files: DataFiles, options: ReadOptions) -> UnsplitData:
    """Read all files."""
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


def _sample(options: ReadOptions) -> UnsplitData:
    if options.lines_in_order:
        raise DataError("the sample has times, which order its interactions; omit --lines-in-order")
    sample = sample_dataset()
    test = None if sample.test is None else PooledRows.of_pairs(sample.test)
    return UnsplitData(PooledRows.of_pairs(sample.train), test, sample.name, sample.report)


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
