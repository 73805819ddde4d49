"""How many epochs validation chose, kept until codes have been trained again on all pairs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bitrecall.disk import disk_fault, replace_file
from bitrecall.training.errors import CheckpointError
from bitrecall.training.fitting.fit_result import Progress


@dataclass(frozen=True)
class BestEpoch:
    """The file that holds the progress of a finished fit with validation.

    Attributes:
        path: the file, JSON.
        fingerprint: identifies recipe and interactions; what another one chose is refused.
    """

    path: Path
    fingerprint: str

    def write(self, progress: Progress) -> None:
        """Replace the file, by an atomic rename."""
        kept = {"fingerprint": self.fingerprint, "progress": asdict(progress)}
        try:
            replace_file(self.path, json.dumps(kept))
        except OSError as error:
            raise CheckpointError(
                f"cannot write {self.path}: {disk_fault(error, self.path.parent)}"
            ) from error

    def read(self) -> Progress | None:
        """What was chosen, or None where nothing was yet.

        Raises:
            CheckpointError: the file is damaged, or of another training.
        """
        if not self.path.exists():
            return None
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            found, progress = kept["fingerprint"], Progress(**kept["progress"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                f"{self.path} cannot be read ({error}); start afresh with --fresh"
            ) from error
        if found != self.fingerprint:
            raise CheckpointError(
                f"{self.path} belongs to another recipe or data set; "
                "name another --run folder, or start afresh with --fresh"
            )
        return progress

    def forget(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
