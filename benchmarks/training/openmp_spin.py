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
from benchmarks.training.training_speed import measured

# The last is the default of GNU's OpenMP.
TURNS = (0, 1000, 2000, 3000, 10_000, 300_000)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Run a number of processes that never wait."""
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


def epoch(data: Path, turns: int, beside: int, config: dict[str, Any]) -> float:
    """Return the seconds of an epoch."""
    os.environ["GOMP_SPINCOUNT"] = str(turns)
    with busy(beside):
        return float(measured(data, config)["epoch_seconds"])


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--turns", type=int, nargs="+", default=TURNS)
    parser.add_argument("--beside", type=int, nargs="+", default=[0, 1, 2])
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
    print("| turns | " + " | ".join(f"beside {count}, s" for count in arguments.beside) + " |")
    print("|" + "---|" * (1 + len(arguments.beside)))
    rows = []
    for turns in arguments.turns:
        took = [
            statistics.median(
                epoch(arguments.data, turns, count, config) for _ in range(arguments.times)
            )
            for count in arguments.beside
        ]
        rows.append({"turns": turns, "epoch_seconds": took})
        print(
            f"| {turns:,} | " + " | ".join(f"{seconds:.2f}" for seconds in took) + " |", flush=True
        )
    save(arguments.json, {"machine": describe(), "beside": arguments.beside, "rows": rows})


if __name__ == "__main__":
    main()
