"""Read JSON files: one record per line, or one array of records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars._typing import PolarsDataType

from bitrecall.training.data.columns.column_names import (
    ITEM_NAMES,
    TIME_NAMES,
    USER_NAMES,
    normalise_name,
)
from bitrecall.training.data.files.text_file import HEAD_BYTES, TextFile
from bitrecall.training.data.tables.json_values import is_array, parse_elements, parse_lines
from bitrecall.training.data.tables.nested_columns import (
    flatten,
    infer_schema,
    leaf_names,
    leaf_type,
    narrowed,
)
from bitrecall.training.data.tables.table_source import RowBatch
from bitrecall.training.errors import DataError

__all__ = ["JsonSource"]

_SAMPLE: Final = 2_000
_SMALL_BATCH: Final = 20_000


class JsonSource:
    """A file of JSON records.

    Nested members are columns with dotted names (``user.id``). A list of records gives one row per
    element. All values are text, as written in the file.

    Args:
        text: the file.

    Raises:
        DataError: the file cannot be read, or has no records.
    """

    def __init__(self, text: TextFile) -> None:
        self.label = str(text.path)
        self.notes: tuple[str, ...] = ()
        self._text = text
        self._array = is_array(text)
        self.unit = "record" if self._array else "line"
        sample = [
            record
            for _, record in islice(self._records(), _SAMPLE)
            if isinstance(record, dict) and record
        ]
        if not sample:
            raise DataError(
                "begins like JSON but has no records; expected one record per line, such as "
                '{"user_id": "u1", "item_id": "i1"}, or an array of records'
                + ("; these look like Python dicts: write them with json.dumps" * _is_python(text)),
                file=text.path,
            )
        self._schema = infer_schema(sample)
        self._sample = sample[:200]
        leaves = leaf_names(self._schema)
        types = {name: leaf_type(self._schema, name) for name in leaves}
        self.names = [name for name in leaves if types[name] != pl.Null]
        common = {*USER_NAMES, *ITEM_NAMES, *TIME_NAMES}
        empty = [
            name for name in leaves if types[name] == pl.Null and normalise_name(name) in common
        ]
        if empty:
            self.notes = (f"ignored, because null in the first records: {', '.join(empty)}",)

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named columns.

        Raises:
            DataError: the file cannot be read.
        """
        schema = pl.Schema(narrowed(self._schema, names, pl.String()))
        if self._array:
            yield from self._slow(self._records(), schema, names)
            return
        line = 1
        for block in self._text.blocks():
            count = block.count(b"\n") + (not block.endswith(b"\n"))
            try:
                frame = pl.read_ndjson(block, schema=schema)
            except pl.exceptions.PolarsError:
                frame = None
            batch = None
            if frame is not None and len(frame) == count:
                numbers = np.arange(line, line + count, dtype=np.int64)
                batch = self._batch(frame, names, numbers, ())
            # If a value is a record in some rows, polars returns its JSON as text.
            if batch is not None and not _has_json(batch.frame):
                yield batch
            else:
                yield from self._slow(parse_lines([block], line), schema, names)
            line += count

    def sample(self) -> pl.DataFrame:
        """Return the first values of each column as text."""
        columns = {name: _values(self._sample, name.split(".")) for name in self.names}
        rows = max(map(len, columns.values()), default=0)
        return pl.DataFrame(
            {name: values + [None] * (rows - len(values)) for name, values in columns.items()},
            schema=dict.fromkeys(columns, pl.String()),
        )

    def _records(self) -> Iterator[tuple[int, Any]]:
        return (
            parse_elements(self._text)
            if self._array
            else parse_lines(self._text.blocks(HEAD_BYTES), 1)
        )

    def _slow(
        self, records: Iterator[tuple[int, Any]], schema: pl.Schema, names: Sequence[str]
    ) -> Iterator[RowBatch]:
        """Read record by record, and report each bad record."""
        while True:
            numbers, kept, bad = [], [], []
            for number, record in islice(records, _SMALL_BATCH):
                if isinstance(record, dict):
                    numbers.append(number)
                    kept.append({name: record.get(name) for name in schema})
                else:
                    reason = (
                        str(record)
                        if isinstance(record, json.JSONDecodeError)
                        else "is JSON, but not a record ({...})"
                    )
                    bad.append(self._bad(record, reason, number))
            if not numbers and not bad:
                return
            texts = [
                {name: _as_text(record[name], dtype) for name, dtype in schema.items()}
                for record in kept
            ]
            frame = pl.DataFrame(texts, schema=schema, strict=False)
            yield self._batch(frame, names, np.array(numbers, np.int64), tuple(bad))

    def _bad(self, record: Any, reason: str, number: int) -> DataError:
        if isinstance(record, json.JSONDecodeError):
            reason = f"is not JSON: {record.msg} at character {record.pos + 1}"
        return DataError(reason, file=self.label, line=number, unit=self.unit)

    def _batch(
        self,
        frame: pl.DataFrame,
        names: Sequence[str],
        numbers: NDArray[np.int64],
        bad: tuple[DataError, ...],
    ) -> RowBatch:
        flat, numbers = flatten(frame, names, numbers, self.label)
        return RowBatch(flat, numbers, bad)


def _values(records: Sequence[Any], path: Sequence[str]) -> list[str | None]:
    """Return at most 200 values of a member, including values in lists."""
    values: list[Any] = list(records)
    for depth in range(len(path) + 1):
        flat: list[Any] = []
        for value in values:
            flat += value if isinstance(value, list) else [value]
        values = flat[:200]
        if depth < len(path):
            values = [value.get(path[depth]) for value in values if isinstance(value, dict)]
    return [_as_text(value, pl.String()) for value in values]


def _is_python(text: TextFile) -> bool:
    """Whether records look like printed Python dicts, with single quotes."""
    return text.head.lstrip(" \t\r\n[").startswith("{'")


def _has_json(frame: pl.DataFrame) -> bool:
    texts = (pl.col(name).str.contains(r"^[\[{]").any() for name in frame.columns)
    return bool(frame.select(pl.any_horizontal(texts)).item()) if len(frame) else False


def _as_text(value: Any, dtype: PolarsDataType) -> Any:
    """Convert a value to the given type with text as leaves; None if its shape differs."""
    if value is None:
        return None
    if isinstance(dtype, pl.List):
        if not isinstance(value, list):
            return None
        return [_as_text(element, dtype.inner) for element in value]
    if isinstance(dtype, pl.Struct):
        if not isinstance(value, dict):
            return None
        return {field.name: _as_text(value.get(field.name), field.dtype) for field in dtype.fields}
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None
