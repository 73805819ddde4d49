"""A text file as blocks of whole lines in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from bitrecall.training.data.files.compression import open_content, read_chunks
from bitrecall.training.errors import DataError

__all__ = ["BLOCK_BYTES", "HEAD_BYTES", "MAX_LINE_BYTES", "TextFile"]

BLOCK_BYTES: Final = 8 << 20
HEAD_BYTES: Final = 1 << 20
MAX_LINE_BYTES: Final = 64 << 20
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class TextFile:
    """A text file, compressed or not.

    Attributes:
        path: the file.
        encoding: of the text; None takes UTF-8, or UTF-16 and UTF-32 if a byte-order mark says so.
    """

    path: Path
    encoding: str | None = None

    def blocks(self, size: int | None = None) -> Iterator[bytes]:
        r"""Blocks of whole lines in UTF-8; the last may lack its line end.

        Byte-order marks are left out, also those before later lines: joined files have them. Lines
        end at ``\n`` only, so that their numbers are those that an editor shows. Bytes that
        are not UTF-8 are left in if no encoding was given.

        Args:
            size: bytes to read at a time; ``BLOCK_BYTES`` if None.

        Raises:
            DataError: the file cannot be read or decoded, or has a line above ``MAX_LINE_BYTES``.
        """
        size = BLOCK_BYTES if size is None else size
        rest: list[bytes] = []
        held = 0
        with open_content(self.path) as file:
            for read in self._decoded(read_chunks(file, self.path, size)):
                end = read.rfind(b"\n") + 1
                if end:
                    yield _unmarked(b"".join([*rest, read[:end]]))
                    rest, held = [], 0
                rest.append(read[end:])
                held += len(read) - end
                if held > MAX_LINE_BYTES:
                    raise DataError(
                        f"has a line of more than {MAX_LINE_BYTES >> 20} MiB; it is no table in "
                        "text",
                        file=self.path,
                    )
        if held:
            yield _unmarked(b"".join(rest))

    @cached_property
    def head(self) -> str:
        """The first lines, up to a million bytes; bytes that are not UTF-8 are surrogates."""
        found: list[bytes] = []
        for block in self.blocks(HEAD_BYTES):
            found.append(block)
            if sum(map(len, found)) >= HEAD_BYTES // 2:
                break
        return b"".join(found).decode(errors="surrogateescape")

    @cached_property
    def head_lines(self) -> list[str]:
        """The lines of the head, without their line ends."""
        lines = [line.removesuffix("\r") for line in self.head.split("\n")]
        return lines if lines[-1] else lines[:-1]

    def _decoded(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        first = next(raw, b"")
        encoding = self.encoding
        if encoding is None:
            bom, encoding = next(
                ((bom, name) for bom, name in _BOMS if first.startswith(bom)), (b"", "utf-8")
            )
            if encoding == "utf-8":
                yield first.removeprefix(bom)
                yield from raw
                return
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            yield decoder.decode(first).removeprefix("\ufeff").encode()
            for read in raw:
                yield decoder.decode(read).encode()
            yield decoder.decode(b"", final=True).encode()
        except UnicodeError as error:
            raise DataError(f"cannot be read as {encoding}: {error}", file=self.path) from error


def _unmarked(lines: bytes) -> bytes:
    if codecs.BOM_UTF8 not in lines:
        return lines
    return lines.removeprefix(codecs.BOM_UTF8).replace(b"\n" + codecs.BOM_UTF8, b"\n")
