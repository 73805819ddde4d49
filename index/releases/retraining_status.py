"""How the last night of retraining ended: one small file beside the releases, ``NIGHT.json``.

Whoever serves the releases tells of it, so that nobody has to go where the training ran.
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

NAME: Final = "NIGHT.json"
_AT_MOST: Final = 65_536


class Outcome(StrEnum):
    """How a night can end."""

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
"""What ``bitrecall retrain`` exits with."""

UNDER_WAY: Final = 5
"""What it exits with where another run was under way."""


@dataclass(frozen=True)
class RetrainingStatus:
    """An outcome.

    Attributes:
        started: when, ISO 8601 in UTC, to the second.
        finished: as ``started``.
        outcome: one of ``Outcome``.
        reason: why, in a sentence.
        release: id of the release that was published; None where none was.
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
        """What the file in the folder of releases says; None where there is none to be read."""
        try:
            fields = json.loads(read_small(root / NAME, _AT_MOST))
            night = cls(**fields)
        except (OSError, ReleaseError, ValueError, TypeError, RecursionError):
            return None
        texts = (night.started, night.finished, night.outcome, night.reason, night.release or "")
        return night if all(isinstance(text, str) for text in texts) else None
