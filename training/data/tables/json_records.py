"""JSON: a record a line, or one array of records."""

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
from bitrecall.training.data.files.text_file import HEAD_BYTES, MAX_LINE_BYTES, TextFile
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

    Members of members are columns with dotted names (``user.id``); a list of records gives a row
    for each element. All values are text, as they are written.

    Args:
        text: the file.

    Raises:
        DataError: it cannot be read, or no line of it is a record.
    """

    def __init__(self, text: TextFile) -> None:
        self.label = str(text.path)
        self.notes: tuple[str, ...] = ()
        self._text = text
        self._array = _is_array(text)
        self.unit = "record" if self._array else "line"
        sample = [
            record
            for _, record in islice(self._records(), _SAMPLE)
            if isinstance(record, dict) and record
        ]
        if not sample:
            raise DataError(
                "begins like JSON, and has no records; expected a record a line, such as "
                '{"user_id": "u1", "item_id": "i1"}, or an array of them'
                + (
                    "; these look like Python's, which json.dumps writes as JSON" * _is_python(text)
                ),
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
            self.notes = (f"null in the first records, and ignored: {', '.join(empty)}",)

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named members.

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
            # Polars writes out a record that stands in the place of a value as its JSON.
            if batch is not None and not _has_json(batch.frame):
                yield batch
            else:
                yield from self._slow(_lines([block], line), schema, names)
            line += count

    def sample(self) -> pl.DataFrame:
        """The first values of each member, as text."""
        columns = {name: _values(self._sample, name.split(".")) for name in self.names}
        rows = max(map(len, columns.values()), default=0)
        return pl.DataFrame(
            {name: values + [None] * (rows - len(values)) for name, values in columns.items()},
            schema=dict.fromkeys(columns, pl.String()),
        )

    def _records(self) -> Iterator[tuple[int, Any]]:
        return _elements(self._text) if self._array else _lines(self._text.blocks(HEAD_BYTES), 1)

    def _slow(
        self, records: Iterator[tuple[int, Any]], schema: pl.Schema, names: Sequence[str]
    ) -> Iterator[RowBatch]:
        """Record by record, which names those that are bad."""
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
                        else "is JSON, but no record ({...})"
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
    """The first values of a member in all records, those in lists included; at most 200."""
    found: list[Any] = list(records)
    for depth in range(len(path) + 1):
        flat: list[Any] = []
        for one in found:
            flat += one if isinstance(one, list) else [one]
        found = flat[:200]
        if depth < len(path):
            found = [one.get(path[depth]) for one in found if isinstance(one, dict)]
    return [_as_text(one, pl.String()) for one in found]


def _is_python(text: TextFile) -> bool:
    """Whether records have single quotes, as Python prints them."""
    return text.head.lstrip(" \t\r\n[").startswith("{'")


def _has_json(frame: pl.DataFrame) -> bool:
    texts = (pl.col(name).str.contains(r"^[\[{]").any() for name in frame.columns)
    return bool(frame.select(pl.any_horizontal(texts)).item()) if len(frame) else False


def _is_array(text: TextFile) -> bool:
    """Whether the file is one array or one record over several lines, and not a record a line."""
    start = text.head.lstrip()
    if not start.startswith("{"):
        return True
    first = next(line for line in text.head_lines if line.strip())
    try:
        json.loads(first)
    except json.JSONDecodeError:
        # Either a bad first line, or a record that goes on below.
        return first.strip() == "{" or not first.rstrip().endswith("}")
    return False


def _lines(blocks: Any, first: int) -> Iterator[tuple[int, Any]]:
    """Each line's number and its record, or the error that reading it raised."""
    number = first - 1
    for block in blocks:
        for line in block.split(b"\n") if not block.endswith(b"\n") else block[:-1].split(b"\n"):
            number += 1
            if line.strip():
                yield number, _loaded(line.decode(errors="replace"))


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        return error


def _elements(text: TextFile) -> Iterator[tuple[int, Any]]:
    """Number and value of each element of an array, or of values one after the other."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
    content = ""
    number = 0
    blocks = text.blocks(HEAD_BYTES)
    ended = False
    while True:
        content = content.lstrip(" \t\r\n,[")
        try:
            if content[:1] in ("", "]") and not ended:
                raise json.JSONDecodeError("end", content, 0)
            if content[:1] in ("", "]"):
                return
            value, end = decoder.raw_decode(content)
        except json.JSONDecodeError as error:
            # An error far before the end is no record cut off by the end of a block.
            broken = not error.msg.startswith("Unterminated") and error.pos < len(content) // 2
            block = None if broken and len(content) > HEAD_BYTES else next(blocks, None)
            if block is None or len(content) > MAX_LINE_BYTES:
                ended = True
                if content.strip(" \t\r\n,]"):
                    yield number + 1, error
                return
            content += block.decode(errors="replace")
            continue
        number += 1
        content = content[end:]
        yield number, value


def _as_text(value: Any, dtype: PolarsDataType) -> Any:
    """A value with text for leaves, in the shape of the type; null if it has another shape."""
    if value is None:
        return None
    if isinstance(dtype, pl.List):
        return [_as_text(one, dtype.inner) for one in value] if isinstance(value, list) else None
    if isinstance(dtype, pl.Struct):
        if not isinstance(value, dict):
            return None
        return {field.name: _as_text(value.get(field.name), field.dtype) for field in dtype.fields}
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None
