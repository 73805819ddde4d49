"""A text file as blocks of whole lines in UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from training.errors import DataError

__all__ = ["BLOCK_BYTES", "MAX_LINE_BYTES", "blocks", "open_binary"]

BLOCK_BYTES: Final = 8 << 20
MAX_LINE_BYTES: Final = 64 << 20
_BOM: Final = b"\xef\xbb\xbf"


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        DataError: it cannot be opened.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=path) from error


def blocks(path: Path, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    r"""Blocks of whole lines, a byte-order mark removed; the last may lack its line end.

    Lines end at ``\n`` only, so that their numbers are those that an editor shows. Bytes that are
    not UTF-8 are left in.

    Args:
        path: the file.
        size: bytes to read at a time.

    Raises:
        DataError: the file cannot be read, is UTF-16, or has a line above ``MAX_LINE_BYTES``.
    """
    rest = b""
    with open_binary(path) as file:
        for number, read in enumerate(_reads(file, path, size)):
            if number == 0:
                if read.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise DataError("is UTF-16; save it as UTF-8", file=path)
                read = read.removeprefix(_BOM)
            end = read.rfind(b"\n") + 1
            if not end:
                rest += read
                if len(rest) > MAX_LINE_BYTES:
                    raise DataError(
                        f"has a line of more than {MAX_LINE_BYTES >> 20} MiB; it is no table in "
                        "text",
                        file=path,
                    )
                continue
            yield rest + read[:end]
            rest = read[end:]
    if rest:
        yield rest


def _reads(file: BinaryIO, path: Path, size: int) -> Iterator[bytes]:
    while True:
        try:
            read = file.read(size)
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", file=path) from error
        if not read:
            return
        yield read
