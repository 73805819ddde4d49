"""The files of a release: writing and hashing them, and opening them with checks."""

from __future__ import annotations

import hashlib
import os
import stat
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.disk import naming
from bitrecall.index.errors import ReleaseDamagedError, ReleaseError
from bitrecall.index.releases.manifest import FileEntry

MANIFEST_NAME = "manifest.json"
INDEX_NAME = "item_index.faiss"
CODES_NAME = "item_codes.npy"

# The arrays by file name, with their dtypes; None allows float16 and float32.
ARRAYS: dict[str, str | None] = {
    CODES_NAME: "|u1",
    "user_embeddings.npy": None,
    "fold_in_messages.npy": None,
    "fold_in_centre.npy": "<f4",
    "fold_in_user.npy": "<f4",
    "fold_in_matrix.npy": "<f4",
    "seen_indptr.npy": "<i8",
    "seen_rows.npy": "<i4",
    "seen_weights.npy": "<f4",
    "seen_ages.npy": "<u2",
    "leaning_codes.npy": "|u1",
    "seen_counts.npy": "<u2",
    "seen_decayed.npy": "<f2",
    "user_id_text.npy": "|u1",
    "user_id_offsets.npy": "<i8",
    "user_id_order.npy": "<i8",
    "item_id_text.npy": "|u1",
    "item_id_offsets.npy": "<i8",
    "item_id_order.npy": "<i8",
    "popularity.npy": "<i8",
    "tag_text.npy": "|u1",
    "tag_offsets.npy": "<i8",
    "tag_order.npy": "<i8",
    "tag_indptr.npy": "<i8",
    "tag_rows.npy": "<i4",
    "attribute_numbers.npy": "<f8",
    "attribute_texts.npy": "<i4",
    "value_text.npy": "|u1",
    "value_offsets.npy": "<i8",
    "value_order.npy": "<i8",
}
_FLOATS = ("<f2", "<f4")
_MAX_MANIFEST_BYTES = 16 * 2**20


def write_array(path: Path, array: NDArray[Any]) -> FileEntry:
    """Write an npy file, little-endian and in C order, and return its manifest entry.

    The hash is computed from memory while writing; the file is not read again.
    """
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    digest, size = hashlib.sha256(), 0
    # Not np.save: its error for a full disk lacks the reason.
    with naming(path), path.open("wb") as file:
        for content in (header.getbuffer(), array.reshape(-1).view(np.uint8).data):
            digest.update(content)
            size += file.write(content)
    return FileEntry(size, digest.hexdigest(), array.dtype.str, array.shape)


def entry_of(path: Path) -> FileEntry:
    """Return the manifest entry of a file that is not an array."""
    return FileEntry(path.stat().st_size, sha256_of(path))


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_plain(path: Path) -> os.stat_result:
    """Return the status of a regular file. Raises ReleaseDamagedError on anything else."""
    try:
        status = path.lstat()
    except OSError as error:
        raise ReleaseDamagedError(f"is missing or unreadable: {error.strerror}", path) from error
    if not stat.S_ISREG(status.st_mode):
        raise ReleaseDamagedError("must be a regular file, neither a link nor a folder", path)
    return status


def check_size(path: Path, entry: FileEntry) -> None:
    """Raise ReleaseDamagedError unless the file is regular and has the size in the manifest."""
    size = check_plain(path).st_size
    if size != entry.size:
        raise ReleaseDamagedError(
            f"has {size} bytes instead of {entry.size}, as in the manifest", path
        )


def check_hash(path: Path, entry: FileEntry) -> None:
    """Raise ReleaseDamagedError unless the file has the sha256 in the manifest."""
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise ReleaseDamagedError(f"cannot be read: {error.strerror}", path) from error
    if digest != entry.sha256:
        raise ReleaseDamagedError(
            "was altered: its sha256 differs from the one in the manifest", path
        )


def open_array(path: Path, entry: FileEntry) -> NDArray[Any]:
    """Map an npy file read-only; an empty array is read, since it cannot be mapped.

    Raises:
        ReleaseDamagedError: not an npy file, an array of objects, or another dtype, shape or order
            than in the manifest and the format.
    """
    dtype = ARRAYS[path.name]
    if entry.dtype not in (_FLOATS if dtype is None else (dtype,)):
        raise ReleaseDamagedError(f"has the invalid dtype {entry.dtype}", path)
    if entry.shape is None:
        raise ReleaseDamagedError("has no shape in the manifest", path)
    try:
        # Not np.load, which also reads zip archives and pickles.
        if prod(entry.shape):
            array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
        else:
            with path.open("rb") as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, TypeError) as error:
        raise ReleaseDamagedError(f"is not a readable npy file: {error}", path) from error
    if (array.dtype.str, array.shape) != (entry.dtype, entry.shape) or not array.flags.c_contiguous:
        raise ReleaseDamagedError(
            f"contains {array.dtype.str} of shape {array.shape} instead of "
            f"{entry.dtype} of shape {entry.shape}, as in the manifest",
            path,
        )
    array.flags.writeable = False
    # A plain view: slicing numpy's memmap class takes several times as long.
    return array.view(np.ndarray)


def read_manifest_text(folder: Path) -> str:
    """Read the manifest of a release folder as text. Raises ReleaseDamagedError."""
    path = folder / MANIFEST_NAME
    if check_plain(path).st_size > _MAX_MANIFEST_BYTES:
        raise ReleaseDamagedError("is too large for a manifest", path)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseDamagedError(f"cannot be read: {error}", path) from error


def read_small(path: Path, limit: int) -> bytes:
    """Read a small regular file; a pipe or a device is rejected without waiting for data.

    Raises:
        ReleaseError: the file is not regular, or longer than ``limit`` bytes.
        OSError: the file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ReleaseError("is not a regular file", path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise ReleaseError(f"is longer than {limit} bytes", path)
    return content
