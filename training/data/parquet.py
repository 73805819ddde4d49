"""Tables in Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from training.data.source import BATCH_ROWS, Batch
from training.errors import DataError

__all__ = ["ParquetSource"]


class ParquetSource:
    """A Parquet file, read some row groups at a time.

    Args:
        path: the file.

    Raises:
        DataError: the file cannot be read as Parquet.
    """

    unit = "row"

    def __init__(self, path: Path) -> None:
        self.label = str(path)
        self._path = path
        try:
            self._stored = list(pl.read_parquet_schema(path))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._failed(error) from error
        self.names = [name.strip() for name in self._stored]

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read the named columns.

        Raises:
            DataError: the file is damaged.
        """
        stored = dict(zip(self.names, self._stored, strict=True))
        columns = (pl.col(stored[name]).alias(name) for name in names)
        row = 1
        try:
            scan = pl.scan_parquet(self._path, hive_partitioning=False, glob=False).select(columns)
            for frame in scan.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
                yield Batch(frame, np.arange(row, row + len(frame), dtype=np.int64))
                row += len(frame)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> DataError:
        problem = (str(error).splitlines() or ["unknown error"])[0]
        return DataError(f"cannot be read as Parquet: {problem}", file=self._path)
