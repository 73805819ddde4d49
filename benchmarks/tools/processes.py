"""CPU time, memory and children of a process, from Linux's ``/proc``."""

import os
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far, from Linux's ``/proc``, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pid: int) -> float:
    """Return the proportional share of memory (PSS) of a process, in MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return (
        int(next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:"))) / 1024
    )


def children(pid: int) -> list[int]:
    """Return a process and its descendants."""
    pids = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            pids += children(int(path.parent.name))
    return pids
