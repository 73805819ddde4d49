"""CPU usage of this process and of the machine."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True)
class CpuUsage:
    """CPU time used so far.

    Attributes:
        at: time of the measurement, in seconds of ``time.perf_counter``.
        process: CPU seconds of this process.
        machine: CPU seconds of all of the machine's processors, without idle time; None if the
            system does not report them.
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
        """CPU usage of this process since, as a share of one processor."""
        return (self.process - before.process) / (self.at - before.at)

    def machine_share(self, before: CpuUsage) -> float | None:
        """CPU usage of the machine since, as a share of all processors; None if unknown."""
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
