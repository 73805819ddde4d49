"""A killed test run leaves no processes and no folder."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.tools import reaper

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the reaper reads /proc"),
    pytest.mark.slow,
]

ROOT = Path(__file__).parents[2]

# A server that is hard to stop: it ignores signals, runs in its own session, and has such a child.
SERVER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
out = open(sys.argv[1], "w")
print(os.getpid(), file=out, flush=True)
while True:
    time.sleep(3600)
"""

# A test that starts this server and then never ends.
RUN = """
import subprocess, sys, time

def test_that_never_ends():
    command = [sys.executable, "-c", {server!r}, {fifo!r}]
    subprocess.Popen(command, start_new_session=True)
    time.sleep(3600)
"""


def has_ended(process: int) -> bool:
    """Wait up to ten minutes for the end of a process, a pidfd; return whether it has ended."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(600_000))


@pytest.mark.parametrize("workers", ["0", "2"])
def test_kills_the_servers_of_a_killed_run(tmp_path: Path, workers: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "test_it.py").write_text(RUN.format(server=SERVER, fifo=str(fifo)))
    options = ("-q", "-n", workers, "-p", "tests.tools.run_id", "-p", "no:cacheprovider")
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    with fifo.open() as lines:
        servers = [os.pidfd_open(int(lines.readline())) for _ in range(2)]
    run.send_signal(signal.SIGKILL)
    run.wait()
    try:
        assert all(has_ended(server) for server in servers)
    finally:
        for server in servers:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(server, signal.SIGKILL)
            os.close(server)


def test_removes_the_folder_of_a_run() -> None:
    mark = uuid.uuid4().hex
    folder = reaper.folder_of(mark)
    (folder / "data").mkdir(parents=True)
    subprocess.run([sys.executable, reaper.__file__, mark], input=b"", check=True)
    assert not folder.exists()
