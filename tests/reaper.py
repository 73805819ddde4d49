"""Kill what a test run left running, even if the run itself was killed.

``python tests/reaper.py MARK`` waits for its standard input to end, which the run holds open, and
then kills every process with ``TEST_RUN_ID=MARK`` in its environment: servers, their
children and theirs, in whichever session or of whichever user. It reads /proc, so it is for Linux.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path

VARIABLE = "TEST_RUN_ID"


def marked(mark: str) -> list[int]:
    """Return the ids of the processes of a run, without this one."""
    entry = f"{VARIABLE}={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        # A process may end, and may be another user's.
        with contextlib.suppress(OSError):
            if entry in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def main() -> None:
    """Wait for the end of the run, and kill until nothing of it is left."""
    mark = sys.argv[1]
    sys.stdin.read()
    killed: set[int] = set()
    # A process that was killed is listed until its parent has waited for it, without environment.
    while rest := set(marked(mark)) - killed:
        for pid in rest:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        killed |= rest


if __name__ == "__main__":
    main()
