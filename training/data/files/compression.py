"""Read the bytes of a file, decompressed if necessary."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

from bitrecall.training.data.files.foreign_formats import refuse_foreign
from bitrecall.training.errors import DataError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["compression_of", "open_content", "read_chunks"]

_GZIP: Final = "gzip"
_ZIP: Final = "zip"
_COMPRESSIONS: Final = (
    (b"\x1f\x8b", _GZIP),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", _ZIP),
    (b"PK\x05\x06", _ZIP),
)
_OPENERS: Final[dict[str, Callable[[Path, Literal["rb"]], Any]]] = {
    _GZIP: gzip.open,
    "zstd": zstd.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
}
_DAMAGE: Final = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, zstd.ZstdError)


def compression_of(start: bytes) -> str | None:
    """Detect the compression of a file from its first bytes; None if it is not compressed."""
    return next((name for magic, name in _COMPRESSIONS if start.startswith(magic)), None)


def open_content(path: Path) -> BinaryIO:
    """Open a file to read its content; decompresses gzip, zstd, bzip2, xz and zip.

    The first bytes decide the compression, not the suffix. A zip archive must have one member.

    Raises:
        DataError: the file cannot be opened, is damaged, is a zip archive of several members, or
            has an unsupported format (another archive, a database, a workbook, ...).
    """
    try:
        with path.open("rb") as file:
            start = file.read(512)
        refuse_foreign(start, path)
        compression = compression_of(start)
        if compression is None:
            return path.open("rb")
        if compression == _ZIP:
            opened = _only_member(path)
        else:
            opened = cast(BinaryIO, _OPENERS[compression](path, "rb"))
    except (*_DAMAGE, OSError, NotImplementedError) as error:
        raise _read_error(error, path) from error
    return _checked(opened, path)


def read_chunks(file: BinaryIO, path: Path, size: int) -> Iterator[bytes]:
    """Read to the end in chunks of up to ``size`` bytes.

    Raises:
        DataError: the file cannot be read, or its compression is damaged.
    """
    while True:
        try:
            chunk = file.read(size)
        except (*_DAMAGE, OSError) as error:
            raise _read_error(error, path) from error
        if not chunk:
            return
        yield chunk


def _checked(opened: BinaryIO, path: Path) -> BinaryIO:
    """Refuse content that is compressed again or has an unsupported format."""
    peeking = io.BufferedReader(cast(io.RawIOBase, opened), 1 << 20)
    try:
        start = peeking.peek(512)[:512]
    except (*_DAMAGE, OSError) as error:
        raise _read_error(error, path) from error
    inner = compression_of(start) or ("Parquet" if start.startswith(b"PAR1") else None)
    if inner is not None:
        raise DataError(
            f"contains {inner} data inside its compression; decompress it once", file=path
        )
    refuse_foreign(start, path)
    return cast(BinaryIO, peeking)


def _only_member(path: Path) -> BinaryIO:
    archive = zipfile.ZipFile(path)
    names = [member.filename for member in archive.infolist() if not member.is_dir()]
    if any(name.startswith("xl/") for name in names):
        raise DataError("is an Excel workbook; save the sheet as CSV", file=path)
    if any(name.endswith("data.pkl") for name in names):
        raise DataError("is a PyTorch file; save its table as CSV or Parquet", file=path)
    if names and all(name.endswith(".npy") for name in names):
        raise DataError("is a NumPy archive (.npz); save its table as CSV or Parquet", file=path)
    members = [
        name
        for name in names
        if not name.startswith("__MACOSX/") and not name.rpartition("/")[2].startswith(".")
    ]
    if len(members) != 1:
        shown = ", ".join(members[:5]) + (", ..." if len(members) > 5 else "")
        raise DataError(
            f"is a zip archive of {len(members)} files{': ' + shown if shown else ''}; an archive "
            "must contain one file: unpack it and name the file",
            file=path,
        )
    if archive.getinfo(members[0]).flag_bits & 1:
        raise DataError("is a zip archive with a password; unpack it first", file=path)
    return cast(BinaryIO, archive.open(members[0]))


def _read_error(error: Exception, path: Path) -> DataError:
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"cannot be read: {error.strerror}", file=path)
    problem = str(error) or type(error).__name__
    return DataError(f"is compressed, and damaged or truncated: {problem}", file=path)
