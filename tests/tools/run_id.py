"""Mark every process of a test run, so that all of them are killed when the run ends."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.tools import reaper

_REAPER = Path(reaper.__file__)


def pytest_configure(config: pytest.Config) -> None:
    """Start the reaper, which kills the processes that the run leaves, however the run ends.

    Workers of pytest-xdist inherit the mark of the process that starts them, and so do the servers
    that they start. So one reaper is enough.
    """
    if sys.platform != "linux" or hasattr(config, "workerinput"):
        return
    mark = os.environ[reaper.VARIABLE] = uuid.uuid4().hex
    # In a new session, so that a signal to the processes of the terminal does not end it.
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_REAPER), mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    stdin = process.stdin
    assert stdin is not None

    def end() -> None:
        stdin.close()
        process.wait()

    config.add_cleanup(end)


def run_folder() -> Path:
    """Return the folder of the run for files that other users read; the reaper removes it."""
    folder = reaper.folder_of(os.environ[reaper.VARIABLE])
    folder.mkdir(mode=0o711, exist_ok=True)
    return folder
