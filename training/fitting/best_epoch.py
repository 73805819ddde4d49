"""The number of epochs that validation chose, stored until the training on all pairs ends."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bitrecall.disk import disk_fault, replace_file
from bitrecall.training.errors import CheckpointError
from bitrecall.training.fitting.fit_result import Progress


@dataclass(frozen=True)
class BestEpoch:
    """The file with the progress of a finished fit with validation.

    Attributes:
        path: the file, JSON.
        fingerprint: identifies recipe and interactions; a file with another one is rejected.
    """

    path: Path
    fingerprint: str

    def write(self, progress: Progress) -> None:
        """Replace the file by an atomic rename.

        Raises:
            CheckpointError: it cannot be written.
        """
        stored = {"fingerprint": self.fingerprint, "progress": asdict(progress)}
        try:
            replace_file(self.path, json.dumps(stored))
        except OSError as error:
            raise CheckpointError(
                f"cannot write {self.path}: {disk_fault(error, self.path.parent)}"
            ) from error

    def read(self) -> Progress | None:
        """Read the progress, or return None if the file does not exist.

        Raises:
            CheckpointError: the file is damaged or belongs to another training.
        """
        if not self.path.exists():
            return None
        try:
            stored = json.loads(self.path.read_text("utf-8"))
            fingerprint, progress = stored["fingerprint"], Progress(**stored["progress"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                f"{self.path} cannot be read ({error}); start over with --fresh"
            ) from error
        if fingerprint != self.fingerprint:
            raise CheckpointError(
                f"{self.path} belongs to another recipe or data set; "
                "name another --run folder, or start over with --fresh"
            )
        return progress

    def forget(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
