"""Measure how long training threads should spin before they sleep, alone and next to other load.

    python -m benchmarks.training.openmp_spin path/to/gowalla

Trains epochs of a tenth of the users with several limits on the spin iterations of GNU's OpenMP
(GOMP_SPINCOUNT; ``training/runtime/openmp.py``), alone and next to processes that keep a core busy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.tools.machine import describe, save
from benchmarks.training.training_speed import measure_in_process

# Spin iterations; the last is the default of GNU's OpenMP.
SPINS = (0, 1000, 2000, 3000, 10_000, 300_000)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep a number of cores busy."""
    processes = [
        subprocess.Popen([sys.executable, "-c", "while True: sum(range(10_000))"])
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def epoch_seconds(data: Path, spins: int, busy_processes: int, config: dict[str, Any]) -> float:
    """Return the median duration of an epoch."""
    os.environ["GOMP_SPINCOUNT"] = str(spins)
    with busy(busy_processes):
        return float(measure_in_process(data, config)["epoch_seconds"])


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--spins", type=int, nargs="+", default=SPINS)
    parser.add_argument(
        "--busy", type=int, nargs="+", default=[0, 1, 2], help="numbers of busy processes"
    )
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument(
        "--times", type=int, default=1, help="repetitions, of which the median is used"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(describe()))
    config = {
        "scale": arguments.scale,
        "threads": os.cpu_count(),
        "overrides": ["teacher.lightgcn.weight=0", "teacher.rank=0"],
        "recipe": "gowalla",
        "epochs": arguments.epochs,
    }
    titles = (f"{count} busy processes, s" for count in arguments.busy)
    print("| spin iterations | " + " | ".join(titles) + " |")
    print("|" + "---|" * (1 + len(arguments.busy)))
    rows = []
    for spins in arguments.spins:
        seconds = [
            statistics.median(
                epoch_seconds(arguments.data, spins, count, config) for _ in range(arguments.times)
            )
            for count in arguments.busy
        ]
        rows.append({"turns": spins, "epoch_seconds": seconds})
        print(
            f"| {spins:,} | " + " | ".join(f"{value:.2f}" for value in seconds) + " |", flush=True
        )
    save(arguments.json, {"machine": describe(), "beside": arguments.busy, "rows": rows})


if __name__ == "__main__":
    main()
