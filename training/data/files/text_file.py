"""Read a text file in blocks of complete lines in UTF-8."""

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
        encoding: of the text; None means UTF-8, or the encoding of a byte-order mark (UTF-8,
            UTF-16 or UTF-32).
    """

    path: Path
    encoding: str | None = None

    def blocks(self, size: int | None = None) -> Iterator[bytes]:
        r"""Read blocks of complete lines in UTF-8; the last line may lack its line end.

        Byte-order marks are removed, also before later lines, since concatenated files have them.
        Only ``\n`` ends a line, so that line numbers agree with an editor. Without an encoding,
        bytes that are not UTF-8 are kept.

        Args:
            size: bytes per read; ``BLOCK_BYTES`` if None.

        Raises:
            DataError: the file cannot be read or decoded, or has a line above ``MAX_LINE_BYTES``.
        """
        size = BLOCK_BYTES if size is None else size
        partial_line: list[bytes] = []
        partial_bytes = 0
        with open_content(self.path) as file:
            for chunk in self._decode(read_chunks(file, self.path, size)):
                end = chunk.rfind(b"\n") + 1
                if end:
                    yield _without_boms(b"".join([*partial_line, chunk[:end]]))
                    partial_line, partial_bytes = [], 0
                partial_line.append(chunk[end:])
                partial_bytes += len(chunk) - end
                if partial_bytes > MAX_LINE_BYTES:
                    raise DataError(
                        f"has a line of more than {MAX_LINE_BYTES >> 20} MiB; it is not a table in "
                        "text",
                        file=self.path,
                    )
        if partial_bytes:
            yield _without_boms(b"".join(partial_line))

    @cached_property
    def head(self) -> str:
        """The first lines, about 1 MiB; bytes that are not UTF-8 become surrogates."""
        blocks: list[bytes] = []
        for block in self.blocks(HEAD_BYTES):
            blocks.append(block)
            if sum(map(len, blocks)) >= HEAD_BYTES // 2:
                break
        return b"".join(blocks).decode(errors="surrogateescape")

    @cached_property
    def head_lines(self) -> list[str]:
        """The lines of the head, without their line ends."""
        lines = [line.removesuffix("\r") for line in self.head.split("\n")]
        return lines if lines[-1] else lines[:-1]

    def _decode(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        """Convert chunks to UTF-8."""
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
            for chunk in raw:
                yield decoder.decode(chunk).encode()
            yield decoder.decode(b"", final=True).encode()
        except UnicodeError as error:
            raise DataError(f"cannot be decoded as {encoding}: {error}", file=self.path) from error


def _without_boms(lines: bytes) -> bytes:
    if codecs.BOM_UTF8 not in lines:
        return lines
    return lines.removeprefix(codecs.BOM_UTF8).replace(b"\n" + codecs.BOM_UTF8, b"\n")
