"""A lock that allows one retraining run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bitrecall.training.errors import RetrainingInProgressError, TrainingError

_NAME: Final = ".retrain.lock"


@contextmanager
def exclusive_run(releases: Path) -> Iterator[None]:
    """Hold the lock of retraining into this folder; the kernel releases it if the process dies.

    Raises:
        RetrainingInProgressError: another run holds it.
        TrainingError: the folder cannot be made or written to.
    """
    try:
        releases.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(releases / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise TrainingError(f"{releases} cannot be written to: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RetrainingInProgressError(
                f"another run is retraining into {releases}: let it finish, or stop it"
            ) from None
        yield
    finally:
        os.close(descriptor)
