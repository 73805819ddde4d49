"""Kill the processes that a test run left, even if the run itself was killed.

``python tests/tools/reaper.py MARK`` waits until the run closes the standard input of the reaper,
or ends. It then kills every process with ``TEST_RUN_ID=MARK`` in its environment: servers and their
descendants, in any session and of any user. Then it removes the folder of the run. It reads /proc,
so it works on Linux only.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

VARIABLE = "TEST_RUN_ID"


def folder_of(mark: str) -> Path:
    """Return the folder that a run may create for its servers.

    It is outside the temporary folder of pytest: each start of pytest removes the permissions of
    other users from that folder, even while a server of another user works in it.
    """
    return Path(tempfile.gettempdir()) / f"bitrecall-tests-{mark}"


def processes_with(mark: str) -> list[int]:
    """Return the ids of the processes of a run, without this process."""
    entry = f"{VARIABLE}={mark}".encode()
    pids = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        # The process may have ended, or belong to another user.
        with contextlib.suppress(OSError):
            if entry in path.read_bytes().split(b"\0"):
                pids.append(int(path.parent.name))
    return [pid for pid in pids if pid != os.getpid()]


def main() -> None:
    """Wait for the end of the run, and kill its processes until none is left."""
    mark = sys.argv[1]
    sys.stdin.read()
    killed: set[int] = set()
    # A killed process stays in /proc until its parent has waited for it.
    while remaining := set(processes_with(mark)) - killed:
        for pid in remaining:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        killed |= remaining
    shutil.rmtree(folder_of(mark), ignore_errors=True)


if __name__ == "__main__":
    main()
