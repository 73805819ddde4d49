"""Kill what a test run left running, even if the run itself was killed.

``python tests/tools/reaper.py MARK`` waits for the end of its standard input, which the run holds
open, and then kills every process with ``TEST_RUN_ID=MARK`` in its environment: servers, their
children and theirs, in any session and of any user. Then it removes the run's folder. It reads
/proc, so it works on Linux only.
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
    """The folder that a run may make for its servers.

    It is not inside pytest's own temporary folder: each pytest that starts takes the permissions
    of other users away from that one, also while a server of another user works in it.
    """
    return Path(tempfile.gettempdir()) / f"bitrecall-tests-{mark}"


def marked(mark: str) -> list[int]:
    """The ids of the processes of a run, without this one."""
    entry = f"{VARIABLE}={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        # A process may end, or be another user's.
        with contextlib.suppress(OSError):
            if entry in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def main() -> None:
    """Wait for the end of the run, and kill until nothing of it is left."""
    mark = sys.argv[1]
    sys.stdin.read()
    killed: set[int] = set()
    # A killed process is listed, without its environment, until its parent has waited for it.
    while rest := set(marked(mark)) - killed:
        for pid in rest:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        killed |= rest
    shutil.rmtree(folder_of(mark), ignore_errors=True)


if __name__ == "__main__":
    main()
