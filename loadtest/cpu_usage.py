"""How busy this process and this machine are."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True)
class CpuUsage:
    """Processor time so far.

    Attributes:
        at: the moment, in seconds of a clock of its own.
        process: seconds of this process.
        machine: seconds of all of the machine's processors, idle ones left out; None where the
            system does not tell.
    """

    at: float
    process: float
    machine: float | None

    @classmethod
    def now(cls) -> CpuUsage:
        """Read the clocks."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return cls(time.perf_counter(), used.ru_utime + used.ru_stime, _machine())

    def process_share(self, before: CpuUsage) -> float:
        """Of one processor, what this process has used since."""
        return (self.process - before.process) / (self.at - before.at)

    def machine_share(self, before: CpuUsage) -> float | None:
        """Of all processors, what has been used since; None where the system does not tell."""
        if self.machine is None or before.machine is None:
            return None
        return (self.machine - before.machine) / (self.at - before.at) / (os.cpu_count() or 1)


def _machine() -> float | None:
    try:
        fields = _STAT.read_text("ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    ticks = [int(field) for field in fields]
    # user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
    idle = sum(ticks[3:5])
    return (sum(ticks[:8]) - idle) / os.sysconf("SC_CLK_TCK")
