"""Files of named arrays and a JSON header: one uncompressed ``.npz`` each, no pickle.

A file is replaced by an atomic rename, so a crash leaves the old one or the new one.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.disk import disk_fault, replacing
from bitrecall.training.errors import CheckpointError

_HEADER = "header"


def save_arrays(
    path: Path, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], what: str
) -> None:
    """Replace the file at ``path``.

    Args:
        path: path of the file; its folder must exist.
        header: JSON values by name.
        arrays: arrays of plain dtypes, by names other than ``header``.
        what: kind of the file, for error messages.

    Raises:
        CheckpointError: it cannot be written.
    """
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    try:
        with replacing(path) as file:
            np.savez(file, allow_pickle=False, **arrays, **{_HEADER: text})
    except OSError as error:
        raise CheckpointError(
            f"cannot write {what} {path}: {disk_fault(error, path.parent)}"
        ) from error


def load_arrays(path: Path, what: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """Read the header and the arrays at ``path``, or return None if there is no file.

    Raises:
        CheckpointError: it is damaged.
    """
    if not path.exists():
        return None
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays.pop(_HEADER).tobytes())
        if not isinstance(header, dict):
            raise ValueError("the header is not a JSON object")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise unreadable(path, what, error) from error
    return header, arrays


def unreadable(path: Path, what: str, reason: object) -> CheckpointError:
    """Create the error for an unreadable file, with the reason and the remedy."""
    return CheckpointError(f"{what} {path} cannot be read ({reason}); delete it to start over")
