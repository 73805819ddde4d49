"""Read Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from bitrecall.training.data.tables.nested_columns import flatten, leaf_names, narrowed
from bitrecall.training.data.tables.table_source import BATCH_ROWS, RowBatch
from bitrecall.training.errors import DataError

__all__ = ["ParquetSource"]


class ParquetSource:
    """A Parquet file, read a few row groups at a time.

    Args:
        path: the file.

    Raises:
        DataError: the file cannot be read as Parquet.
    """

    unit = "row"

    def __init__(self, path: Path) -> None:
        self.label = str(path)
        self.notes: tuple[str, ...] = ()
        self._path = path
        try:
            self._schema = pl.Schema(pl.read_parquet_schema(path))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._failed(error) from error
        self._stored = leaf_names(self._schema)
        self.names = [name.strip() for name in self._stored]

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named columns.

        Raises:
            DataError: the file is damaged.
        """
        stored = dict(zip(self.names, self._stored, strict=True))
        columns = [stored[name] for name in names]
        roots = list(narrowed(self._schema, columns, None))
        row = 1
        try:
            scan = pl.scan_parquet(self._path, hive_partitioning=False, glob=False).select(roots)
            for frame in scan.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
                rows = np.arange(row, row + len(frame), dtype=np.int64)
                row += len(frame)
                flat, rows = flatten(frame, columns, rows, self.label)
                yield RowBatch(flat.rename(dict(zip(columns, names, strict=True))), rows)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._failed(error) from error

    def sample(self) -> pl.DataFrame:
        """Return the first rows, without nested columns."""
        try:
            frame = pl.read_parquet(self._path, n_rows=200, hive_partitioning=False, glob=False)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._failed(error) from error
        plain = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]
        return frame.select(pl.col(name).alias(name.strip()) for name in plain)

    def _failed(self, error: Exception) -> DataError:
        problem = (str(error).splitlines() or ["unknown error"])[0]
        return DataError(f"cannot be read as Parquet: {problem}", file=self._path)
