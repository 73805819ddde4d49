"""Read the rows of an item table from a file or a folder of parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import polars as pl

from bitrecall.training.data.files.compression import open_content
from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.tables.csv_records import split_line
from bitrecall.training.data.tables.delimited import DelimitedSource
from bitrecall.training.data.tables.delimiters import read_header
from bitrecall.training.data.tables.json_records import JsonSource
from bitrecall.training.data.tables.table_start import find_start
from bitrecall.training.errors import DataError

__all__ = ["ItemFile", "column_names"]

_DELIMITERS: Final = (",", "\t", ";", "|")
_UNNAMED_NOTE: Final = "a column without a name is ignored"


@dataclass(eq=False)
class ItemFile:
    """The rows of an item table before their types are converted.

    Attributes:
        frame: the columns with stripped names; text as in the file.
        places: the place of each row, such as ``line 3``, String (rows,).
        notes: remarks for the user about the file.
    """

    frame: pl.DataFrame
    places: pl.Series
    notes: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Return the place of a row, such as ``line 3``, with the name of its part if several."""
        return str(self.places[row])

    @classmethod
    def read(cls, path: Path, encoding: str | None = None) -> Self:
        """Read a file, or the files of a folder in the order of their names.

        Args:
            path: the file or the folder.
            encoding: of text that is not UTF-8.

        Raises:
            DataError: a file cannot be read, or parts have different columns.
        """
        parts = _parts(path)
        frames, places, notes = [], [], dict[str, None]()
        for part in parts:
            prefix = "" if len(parts) == 1 else f"{part.name}, "
            frame, part_places, has_unnamed = _read(part, encoding)
            frames.append(frame)
            places += [f"{prefix}{place}" for place in part_places]
            if has_unnamed:
                notes[_UNNAMED_NOTE] = None
        try:
            frame = pl.concat(frames)
        except pl.exceptions.PolarsError as error:
            problem = str(error).splitlines()[0]
            raise DataError(f"has parts with different columns: {problem}", file=path) from error
        return cls(frame, pl.Series(places, dtype=pl.String), tuple(notes))

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Self:
        """Wrap a table in memory."""
        frame, places, has_unnamed = _named_columns(frame, "row")
        notes = (_UNNAMED_NOTE,) if has_unnamed else ()
        return cls(frame, pl.Series(places, dtype=pl.String), notes)


def _read(path: Path, encoding: str | None) -> tuple[pl.DataFrame, list[str], bool]:
    """Read the named columns, the places of the rows, and whether a column has no name."""
    with open_content(path) as file:
        parquet = file.read(4) == b"PAR1"
    if parquet or path.suffix.lower() in (".parquet", ".pq"):
        return _read_parquet(path)
    text = _open_text(path, encoding)
    if not text.head.strip():
        raise DataError("is empty", file=path)
    if text.head.lstrip()[0] in "{[":
        return _read_json(text)
    source = _open_table(text)
    # pandas writes its index as a column without a name, which is not an attribute.
    names = [name for name in source.names if name]
    frames = [pl.DataFrame({name: [] for name in names}, dict.fromkeys(names, pl.String))]
    places: list[str] = []
    for batch in source.batches(names):
        for error in batch.bad:
            raise error
        frames.append(batch.frame.select(names))
        places += [f"{source.unit} {line}" for line in batch.lines.tolist()]
    return pl.concat(frames), places, len(names) < len(source.names)


# The readers of interactions are not used here: they make a row of each element of a list, and a
# list may be tags.
def _read_parquet(path: Path) -> tuple[pl.DataFrame, list[str], bool]:
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"cannot be read as Parquet: {problem}", file=path) from error
    return _named_columns(frame, "row")


def _read_json(text: TextFile) -> tuple[pl.DataFrame, list[str], bool]:
    content = b"".join(text.blocks())
    try:
        if text.head.lstrip()[0] == "[":
            frame = pl.read_json(content, infer_schema_length=None)
        else:
            frame = pl.read_ndjson(content, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"cannot be read as JSON: {problem}", file=text.path) from error
    return _named_columns(frame, "record")


def _named_columns(frame: pl.DataFrame, unit: str) -> tuple[pl.DataFrame, list[str], bool]:
    names = [name for name in frame.columns if name.strip()]
    places = [f"{unit} {row}" for row in range(1, len(frame) + 1)]
    return frame.select(names).rename(str.strip), places, len(names) < frame.width


def _open_text(path: Path, encoding: str | None) -> TextFile:
    """Open as UTF-8 if it is valid, since ``encoding`` may be meant for the interactions."""
    text = TextFile(path)
    if encoding is None:
        return text
    try:
        for block in text.blocks():
            block.decode()
    except UnicodeDecodeError:
        return TextFile(path, encoding)
    return text


def _open_table(text: TextFile) -> DelimitedSource:
    start = find_start(text)
    lines = text.head_lines[start.skip :]
    if not lines:
        raise DataError("is empty", file=text.path)
    delimiters = [start.delimiter] if start.delimiter else _DELIMITERS
    delimiter = max(delimiters, key=lambda mark: len(split_line(lines[0], mark, quotes=True)))
    skip = start.skip
    if start.commented_header is not None:
        # A comment with as many fields as a row is the header, such as `#,name,price`.
        comment = text.head_lines[skip - 1]
        widths = [len(split_line(line, delimiter, quotes=True)) for line in (comment, lines[0])]
        if widths[0] == widths[1] > 1:
            skip -= 1
            lines = text.head_lines[skip:]
    header_end, names = read_header(text, lines, delimiter, skip)
    repeated = sorted({name.strip() for name in names if names.count(name) > 1 and name.strip()})
    if repeated:
        raise DataError(f"has several columns called {', '.join(repeated)}", file=text.path)
    return DelimitedSource(text, names, delimiter, quotes=True, skip=header_end)


def _parts(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    parts = sorted(
        part
        for part in path.iterdir()
        if part.is_file() and not part.name.startswith((".", "_")) and part.name != "README.md"
    )
    if not parts:
        raise DataError("contains no file", file=path)
    return parts


def column_names(path: Path) -> list[str]:
    """List the named columns of a file; empty if it cannot be read as a table."""
    try:
        with open_content(path) as file:
            if file.read(4) == b"PAR1":
                return list(pl.read_parquet_schema(path))
        text = TextFile(path)
        if text.head.lstrip().startswith(("{", "[")):
            return [name for name in JsonSource(text).names if name]
        return [name for name in _open_table(text).names if name]
    except (DataError, StopIteration, OSError, pl.exceptions.PolarsError):
        return []
