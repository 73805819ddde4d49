"""Measure the memory and time of reading a large log.

    python -m benchmarks.training.log_reading --rows 50_000_000 --json reading.json

Writes a Parquet file with that many rows into a temporary folder (about 13 bytes per row), reads it
as `bitrecall train` does, in a separate process, and prints the seconds and the peak memory of that
process. The rows are random: users and items with a power law of popularity, text ids, ordered
times over a year, and one column that is not read. ``--form csv`` writes a CSV file (about 40 bytes
per row).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.tools.machine import describe, save

ROWS_AT_ONCE = 1_000_000


def write(folder: Path, rows: int, users: int, items: int, form: str) -> Path:
    """Write the log in parts, and join them into one file."""
    rng = np.random.default_rng(0)
    parts = folder / "parts"
    parts.mkdir()
    for start in range(0, rows, ROWS_AT_ONCE):
        count = min(ROWS_AT_ONCE, rows - start)
        frame = pl.DataFrame(
            {
                "user_id": (users * rng.random(count) ** 1.5).astype(np.int64),
                "item_id": (items * rng.random(count) ** 3).astype(np.int64),
                "timestamp": 1_700_000_000 + (start + np.arange(count)) * 31_536_000 // rows,
                "price": rng.integers(1, 100, count),
            }
        ).with_columns(
            "user-" + pl.col("user_id").cast(pl.String), pl.col("item_id").cast(pl.String)
        )
        frame.write_parquet(parts / f"{start:012}.parquet")
    path = folder / f"log.{form}"
    scan = pl.scan_parquet(parts)
    if form == "csv":
        scan.sink_csv(path)
    else:
        scan.sink_parquet(path)
    for part in parts.iterdir():
        part.unlink()
    return path


def read(path: Path) -> dict[str, float]:
    """Read and split the log, as training does."""
    from bitrecall.training.data.load import load_dataset

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    dataset = load_dataset(path)
    seconds = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    assert dataset.test is not None
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "start_mib": before // 1024,
        "peak_mib": usage.ru_maxrss // 1024,
        "rows": dataset.report.rows_read,
        "pairs": len(dataset.train) + len(dataset.test),
        "users": dataset.train.n_users,
        "items": dataset.train.n_items,
    }


def main() -> None:
    """Write a log, read it in another process, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--form", choices=["parquet", "csv"], default="parquet", help="file format")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read is not None:
        print(json.dumps(read(arguments.read)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), arguments.rows, arguments.users, arguments.items, arguments.form)
        size = path.stat().st_size
        command = [sys.executable, "-m", "benchmarks.training.log_reading", "--read", str(path)]
        child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result = json.loads(child.stdout) | {"file_mib": size >> 20, "form": arguments.form}
    print(
        f"{result['rows']:,} rows of {result['form']} ({result['file_mib']:,} MiB), "
        f"{result['users']:,} users, {result['items']:,} items, {result['pairs']:,} pairs: "
        f"{result['seconds']:.0f} s ({result['cpu_seconds']:.0f} s of CPU time), "
        f"peak {result['peak_mib']:,} MiB of memory ({result['start_mib']:,} before)"
    )
    if arguments.json is not None:
        save(arguments.json, describe() | result)


if __name__ == "__main__":
    main()
