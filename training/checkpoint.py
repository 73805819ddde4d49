"""Checkpoints: all that an interrupted training needs to go on to the same result.

One uncompressed ``.npz`` of plain arrays, no pickle: the method's state, the best epoch's
parameters while validation chooses one, and a JSON header with the position, the history and the
fingerprint of what is being trained. It is replaced by an atomic rename, so a crash leaves the
old one or the new one.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.errors import CheckpointError

_HEADER = "header"


@dataclass(frozen=True)
class Checkpoint:
    """A moment of a training.

    Attributes:
        fingerprint: identifies recipe, interactions and phase; another one is refused.
        epoch: whole epochs done.
        step: steps done of the epoch under way.
        state: the method's tensors by name.
        progress: what the fit loop carries along, as JSON values.
        best: the parameters of the best epoch so far, by name; empty without validation.
    """

    fingerprint: str
    epoch: int
    step: int
    state: dict[str, Tensor]
    progress: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Replace the checkpoint at ``path``; CheckpointError where it cannot be written."""
        header = {
            "fingerprint": self.fingerprint,
            "epoch": self.epoch,
            "step": self.step,
            "progress": self.progress,
        }
        arrays = {f"state/{name}": value.cpu().numpy() for name, value in self.state.items()}
        arrays |= {f"best/{name}": value.cpu().numpy() for name, value in self.best.items()}
        arrays[_HEADER] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        temporary = path.with_name(path.name + ".new")
        try:
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise CheckpointError(f"cannot write the checkpoint {path}: {error}") from error

    @classmethod
    def load(cls, path: Path, fingerprint: str) -> Checkpoint | None:
        """Read the checkpoint at ``path``, or None where there is none.

        Raises:
            CheckpointError: it is damaged, or of another training than ``fingerprint``.
        """
        if not path.exists():
            return None
        try:
            # Opened here, since np.load leaves a damaged file open.
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            header = json.loads(arrays.pop(_HEADER).tobytes())
            found = header["fingerprint"]
            position = (int(header["epoch"]), int(header["step"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise CheckpointError(
                f"the checkpoint {path} cannot be read ({error}); "
                "delete it, or start afresh with --fresh"
            ) from error
        if found != fingerprint:
            raise CheckpointError(
                f"the checkpoint {path} belongs to another recipe or data set; "
                "name another --run folder, or start afresh with --fresh"
            )
        return cls(
            fingerprint,
            *position,
            state=_under("state/", arrays),
            progress=header["progress"],
            best=_under("best/", arrays),
        )


def _under(prefix: str, arrays: dict[str, Any]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(value)
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
