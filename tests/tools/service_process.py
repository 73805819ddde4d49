"""The service as a process, for tests of several modules."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

from bitrecall.index.releases.release import Release

RUN = """
from bitrecall.service import environment, server
server.run(environment.load_settings(**{!r}))
"""

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(release: Release) -> Iterator[Start]:
    """Starts the service on a free port, with these settings and no setting of the environment.

    ``before`` is Python code that the process runs first.
    """
    started = []
    guards = []

    def begin(
        variables: Mapping[str, str] | None = None, before: str = "", **options: object
    ) -> subprocess.Popen:
        environment = {name: os.environ[name] for name in os.environ if "BITRECALL" not in name}
        settings = {"releases": str(release.path.parent), "port": 0, "events": "off", **options}
        process = subprocess.Popen(
            [sys.executable, "-c", before + RUN.format(settings)],
            env={**environment, **(variables or {})},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        # If the service never logs the expected line, the test ends after five minutes.
        guards.append(threading.Timer(300, process.terminate))
        guards[-1].start()
        return process

    yield begin
    for guard in guards:
        guard.cancel()
    for process in started:
        # Kill the workers too, because they would keep the pipe open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, output = process.communicate()
        # Shown if the test fails.
        sys.stderr.write(output or "")


def line_with(process: subprocess.Popen, text: str) -> str:
    """Return the next line of the log with this text."""
    for line in process.stderr:
        if text in line:
            return line
    pytest.fail(f"the service ended without logging {text!r}")


def port_of(process: subprocess.Popen) -> int:
    return int(re.search(r"http://127\.0\.0\.1:(\d+)", line_with(process, "listening on"))[1])
