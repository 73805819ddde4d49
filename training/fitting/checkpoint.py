"""Checkpoints: the state from which an interrupted training resumes to the same result.

A file of arrays (``bitrecall.training.runtime.array_files``): the method's state, the best epoch's
parameters if there is validation, and a header with the position, the history and the fingerprint
of the training.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bitrecall.training.errors import CheckpointError
from bitrecall.training.runtime.array_files import load_arrays, save_arrays, unreadable

_FILE_KIND = "the checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training after some step.

    Attributes:
        fingerprint: identifies recipe, interactions and phase; another one is rejected.
        epoch: number of completed epochs.
        step: number of completed steps of the current epoch.
        state: the method's tensors by name.
        progress: the fit loop's ``Progress``, as JSON values.
        best: the parameters of the best epoch so far, by name; empty without validation.
    """

    fingerprint: str
    epoch: int
    step: int
    state: dict[str, Tensor]
    progress: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Replace the checkpoint at ``path``.

        Raises:
            CheckpointError: it cannot be written.
        """
        header = {
            "fingerprint": self.fingerprint,
            "epoch": self.epoch,
            "step": self.step,
            "progress": self.progress,
        }
        arrays = {f"state/{name}": value.cpu().numpy() for name, value in self.state.items()}
        arrays |= {f"best/{name}": value.cpu().numpy() for name, value in self.best.items()}
        save_arrays(path, header, arrays, _FILE_KIND)

    @classmethod
    def load(cls, path: Path, fingerprint: str) -> Checkpoint | None:
        """Read the checkpoint at ``path``, or return None if it does not exist.

        Raises:
            CheckpointError: it is damaged, or its fingerprint is not ``fingerprint``.
        """
        loaded = load_arrays(path, _FILE_KIND)
        if loaded is None:
            return None
        header, arrays = loaded
        try:
            saved_fingerprint, progress = header["fingerprint"], header["progress"]
            position = (int(header["epoch"]), int(header["step"]))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(path, _FILE_KIND, error) from error
        if saved_fingerprint != fingerprint:
            raise CheckpointError(
                f"the checkpoint {path} belongs to another recipe or data set; "
                "name another --run folder, or start over with --fresh"
            )
        return cls(
            fingerprint,
            *position,
            state=_under("state/", arrays),
            progress=progress,
            best=_under("best/", arrays),
        )


def _under(prefix: str, arrays: dict[str, Any]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(value)
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
