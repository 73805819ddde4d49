"""Assemble the rows of all sources of a data set, before it is split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bitrecall.training.data.dataset import ReadReport
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.rows.file_rows import BadRows, FileRows, Vocabulary
from bitrecall.training.data.rows.pooled_rows import PooledRows
from bitrecall.training.data.rows.row_selection import NOT_COMPARED, selection_lines
from bitrecall.training.data.rows.row_weights import WeightTally
from bitrecall.training.errors import DataError

__all__ = ["UnsplitData", "assemble"]


@dataclass(frozen=True, eq=False)
class UnsplitData:
    """The rows of a data set.

    Attributes:
        train: rows of the train files, or of all files.
        test: rows of the test files; None without any.
        name: name of the data set.
        report: what was read; it has no split and no duplicates yet.
    """

    train: PooledRows
    test: PooledRows | None
    name: str
    report: ReadReport


def assemble(
    parts: list[FileRows],
    n_train: int,
    vocabulary: Vocabulary,
    bad_rows: BadRows,
    names: Sequence[str],
    first: Path | str,
    name: str,
    options: ReadOptions,
) -> UnsplitData:
    """Join the rows of the sources of a data set.

    Args:
        parts: rows of each source; those after the first ``n_train`` are the test split.
        n_train: number of sources of the train split.
        vocabulary: the ids of all sources.
        bad_rows: the bad rows of all sources.
        names: name of each source, for the report.
        first: path or label of the first source, for messages.
        name: name of the data set.
        options: how the sources were read.

    Raises:
        DataError: no training rows are left.
    """
    train_rows, test_rows = parts[:n_train], parts[n_train:]
    user_ids, item_ids = list(vocabulary.users), list(vocabulary.items)
    train, test = (
        PooledRows.of(user_ids, item_ids, rows, options.lines_in_order)
        for rows in (train_rows, test_rows)
    )
    rows_read = sum(len(rows.users) for rows in parts)
    left_out = sum(rows.left_out for rows in parts)
    tallies = [rows.tally for rows in parts if rows.tally is not None]
    report = ReadReport(
        files=tuple(names),
        rows_read=rows_read,
        bad_rows_skipped=bad_rows.count,
        bad_row_examples=tuple(bad_rows.examples),
        users_without_items=sum(rows.users_without_items for rows in parts),
        rows_left_out=left_out,
        selection=selection_lines(options, left_out, _merged(tallies)),
        columns=tuple(dict.fromkeys(rows.columns for rows in parts if rows.columns is not None)),
        notes=_grouped(names, [rows.notes for rows in parts]),
        warnings=(*_grouped(names, [rows.warnings for rows in parts]), *_some_without_times(parts)),
    )
    if not len(train):
        raise DataError(_why_empty(report), file=first)
    return UnsplitData(train, test if test_rows else None, name, report)


def _merged(tallies: list[WeightTally]) -> WeightTally | None:
    if not tallies:
        return None
    merged = WeightTally()
    for tally in tallies:
        merged.merge(tally)
    return merged


def _grouped(names: Sequence[str], by_file: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Group the texts about the files: each text once, with the name of its first file."""
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
    with_times = sum(rows.times is not None for rows in parts)
    if not 0 < with_times < len(parts):
        return []
    return [
        f"{len(parts) - with_times} of the {len(parts)} files have no times, so the times of the "
        "other files count only within their own split"
    ]


def _why_empty(report: ReadReport) -> str:
    if report.selection:
        warnings = (text for text in report.warnings if text.endswith(NOT_COMPARED))
        reasons = (text.strip() for text in (*report.selection, *warnings))
        return f"no rows are left to train on. {'; '.join(reasons)}"
    if report.bad_rows_skipped:
        return (
            f"has no interactions, but {report.bad_rows_skipped} bad rows, such as: "
            f"{report.bad_row_examples[0]}"
        )
    if report.users_without_items:
        return (
            "has no interactions: in the LightGCN format (user item item …), each line is a user "
            "without items. If it is a table without a header, name its columns with --columns"
        )
    return "has no interactions"
