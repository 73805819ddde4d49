"""A test run that is killed leaves no process behind."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the reaper reads /proc")

TESTS = Path(__file__).parent

# A server as bad as can be: in a session of its own, deaf to signals, with a child like it.
SERVER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
parent = os.getpid()
if os.fork() == 0:
    os.setsid()
print(os.getpid(), flush=True)
while True:
    time.sleep(3600)
"""

# A test run of one test, which starts that server and then waits for ever.
RUN = """
import subprocess, sys, time

def test_that_never_ends():
    subprocess.Popen([sys.executable, "-c", {server!r}], start_new_session=True, stdout={fd})
    time.sleep(3600)
"""


def has_ended(process: int) -> bool:
    """Wait until a process, given as a pidfd, has ended; False if it has not after a minute."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(60_000))


def test_a_run_that_is_killed_takes_its_servers_along(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").symlink_to(TESTS / "conftest.py")
    reads, writes = os.pipe()
    (tmp_path / "test_it.py").write_text(RUN.format(server=SERVER, fd=writes))
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        pass_fds=[writes],
        stdout=subprocess.DEVNULL,
    )
    os.close(writes)
    with os.fdopen(reads) as lines:
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
