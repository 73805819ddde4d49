"""Columns from folder names (``day=2020-09-01``), as Hive and Spark write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from bitrecall.training.data.tables.table_source import RowBatch, TableSource

__all__ = ["FolderColumnsSource"]


class FolderColumnsSource:
    """A file with additional constant columns.

    Args:
        source: the file.
        keys: names and values of the columns; columns of the file have precedence.
    """

    def __init__(self, source: TableSource, keys: Sequence[tuple[str, str | None]]) -> None:
        self._source = source
        self._keys = {name: value for name, value in keys if name not in source.names}
        self.label, self.unit = source.label, source.unit
        hidden = {name: value for name, value in keys if name in source.names}
        self.notes = (
            (*source.notes, *_differences(source.sample(), hidden)) if hidden else (source.notes)
        )
        self.names = [*source.names, *self._keys]

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named columns, see ``TableSource.batches``."""
        stored = [name for name in names if name not in self._keys]
        for batch in self._source.batches(stored):
            frame = batch.frame.with_columns(
                pl.lit(self._keys[name], pl.String).alias(name)
                for name in names
                if name in self._keys
            )
            yield RowBatch(frame.select(names), batch.lines, batch.bad)

    def sample(self) -> pl.DataFrame:
        """Return the first rows, see ``TableSource.sample``."""
        return self._source.sample().with_columns(
            pl.lit(value, pl.String).alias(name) for name, value in self._keys.items()
        )


def _differences(sample: pl.DataFrame, keys: Mapping[str, str | None]) -> list[str]:
    """Return notes on columns whose values differ between the file and the folder name."""
    return [
        f"{name} is read from the file, not from the folder {name}=..."
        for name, value in keys.items()
        if name in sample.columns
        and sample[name].cast(pl.String).ne_missing(pl.Series([value], dtype=pl.String)).any()
    ]
