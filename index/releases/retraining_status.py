"""The outcome of the last retraining run: a small file beside the releases, ``RETRAINING.json``.

The service reads it, so that its metrics and pages can show the outcome.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bitrecall.disk import replace_file
from bitrecall.index.errors import ReleaseError
from bitrecall.index.releases.files import read_small
from bitrecall.index.releases.locks import store_lock

NAME: Final = "RETRAINING.json"
_MAX_BYTES: Final = 65_536


class Outcome(StrEnum):
    """The outcomes of a retraining run."""

    PUBLISHED = "published"
    WOULD_PUBLISH = "would publish"
    HELD_BACK = "held back"
    REFUSED = "refused"
    NO_NEW_DATA = "no new data"
    FAILED = "failed"


EXIT_CODES: Final[Mapping[Outcome, int]] = {
    Outcome.PUBLISHED: 0,
    Outcome.WOULD_PUBLISH: 0,
    Outcome.FAILED: 1,
    Outcome.REFUSED: 3,
    Outcome.HELD_BACK: 3,
    Outcome.NO_NEW_DATA: 4,
}
"""Exit codes of ``bitrecall retrain``."""

IN_PROGRESS: Final = 5
"""Exit code if another run is in progress."""


@dataclass(frozen=True)
class RetrainingStatus:
    """The outcome of a retraining run.

    Attributes:
        started: ISO 8601 in UTC, to the second.
        finished: ISO 8601 in UTC, to the second.
        outcome: one of ``Outcome``.
        reason: the reason, in one sentence.
        release: id of the published release; None if none was published.
    """

    started: str
    finished: str
    outcome: str
    reason: str
    release: str | None

    def write(self, root: Path) -> None:
        """Replace the file in the folder of releases. Raises ReleaseError and OSError."""
        with store_lock(root):
            replace_file(root / NAME, json.dumps(asdict(self), ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, root: Path) -> RetrainingStatus | None:
        """Read the file in the folder of releases; None if it is missing or unreadable."""
        try:
            fields = json.loads(read_small(root / NAME, _MAX_BYTES))
            status = cls(**fields)
        except (OSError, ReleaseError, ValueError, TypeError, RecursionError):
            return None
        texts = (
            status.started,
            status.finished,
            status.outcome,
            status.reason,
            status.release or "",
        )
        return status if all(isinstance(text, str) for text in texts) else None
