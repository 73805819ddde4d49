"""Measure throughput and latency of the service, compared with routes that do nothing.

    python -m benchmarks.service.service_speed RELEASES --json service.json --plot service.svg
    python -m benchmarks.service.service_speed RELEASES --workers 1 2 --k 10 100 --locust

Serves the releases, an empty FastAPI POST route, an empty Starlette route and a bare ASGI
application, each with the same event loop and parser of uvicorn. wrk (`apt-get install wrk`) loads
them in turn for several rounds to measure throughput. Then an open loop runs at 25, 50 and 80% of
each one's maximum throughput and measures latency from the scheduled send time (no coordinated
omission). The client shares the CPUs with the server, so compare ratios within a round. With
--locust, locust sends requests too (`pip install locust`).
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.service.empty_apps import EMPTY, serving_empty
from benchmarks.tools.http_load import CONNECTIONS, USERS, open_loop, script_for, wrk
from benchmarks.tools.machine import describe, quantile, save
from benchmarks.tools.serving import serving
from bitrecall.loadtest.target import Target

OURS = "Bitrecall"
SHARES = (0.25, 0.5, 0.8)


@contextmanager
def target(name: str, releases: Path, workers: int) -> Iterator[tuple[str, int]]:
    """Serve one of the compared applications."""
    if name != OURS:
        with serving_empty(name, workers) as served:
            yield served
        return
    options = ("--events", "off", "--workers", str(workers), "--log-level", "error")
    with serving(releases, *options) as served:
        yield served


def locust(url: str, users: list[str], k: int, seconds: float) -> dict[str, float]:
    """Return the measurement of locust."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "locust",
            "-f",
            str(Path(__file__).parent / "locustfile.py"),
        ]
        command += ["--headless", "-u", str(CONNECTIONS), "-r", str(CONNECTIONS), "--host", url]
        command += ["-t", f"{seconds:.0f}s", "--csv", f"{folder}/found", "--only-summary"]
        environment = {**os.environ, "USERS": json.dumps(users[:200]), "K": str(k)}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        lines = (Path(folder) / "found_stats.csv").read_text().splitlines()
    row = dict(zip(lines[0].split(","), lines[-1].split(","), strict=True))
    return {
        "rate": float(row["Requests/s"]),
        "p50_ms": float(row["50%"]),
        "p99_ms": float(row["99%"]),
        "failures": float(row["Failure Count"]),
    }


def compare(
    arguments: argparse.Namespace, k: int, workers: int, folder: Path
) -> list[dict[str, Any]]:
    """Measure all applications for several rounds, restarting each."""
    names = [OURS, *EMPTY]
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    late: dict[tuple[str, float], list[float]] = {}
    others: dict[str, dict[str, float]] = {}
    users: list[str] = []
    for turn in range(arguments.rounds):
        for name in names:
            with target(name, arguments.releases, workers) as (url, pid):
                if not users:
                    users = Target.at(url).users(USERS)
                    (folder / "requests.lua").write_text(script_for(users, k))
                wrk(url, pid, folder / "requests.lua", 1, workers)
                measurement = wrk(url, pid, folder / "requests.lua", arguments.seconds, workers)
                rounds[name].append(measurement)
                best = statistics.median(result["rate"] for result in rounds[name])
                for share in SHARES:
                    rate = share * best
                    took = asyncio.run(open_loop(url, users, k, rate, arguments.seconds))
                    late.setdefault((name, share), []).append(1000 * quantile(took, 0.99))
                if arguments.locust and turn == 0:
                    others[name] = locust(url, users, k, max(5, arguments.seconds))
    rows = []
    for name in names:
        row: dict[str, Any] = {"name": name, "k": k, "workers": workers, "rounds": rounds[name]}
        for key in ("rate", "cpu_ms", "p50_ms", "p99_ms"):
            row[key] = statistics.median(result[key] for result in rounds[name])
        ratios = [
            result["rate"] / other["rate"]
            for result, other in zip(rounds[name], rounds["FastAPI"], strict=True)
        ]
        row |= {"ratio": statistics.median(ratios), "ratios": [min(ratios), max(ratios)]}
        for share in SHARES:
            ours, route = (late[key, share] for key in (name, "FastAPI"))
            over = [mine / theirs for mine, theirs in zip(ours, route, strict=True)]
            row[f"late_{share}"] = statistics.median(ours)
            row[f"late_ratio_{share}"] = statistics.median(over)
        row["locust"] = others.get(name)
        rows.append(row)
        print(line(row), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    late = " | ".join(
        f"{row[f'late_{share}']:.1f} ({row[f'late_ratio_{share}']:.2f})" for share in SHARES
    )
    locust_rate = "" if row["locust"] is None else f"{row['locust']['rate']:,.0f}"
    low, high = row["ratios"]
    return (
        f"| {row['name']} | {row['workers']} | {row['k']} | {row['rate']:,.0f} | "
        f"{row['ratio']:.2f} ({low:.2f} … {high:.2f}) | {row['cpu_ms']:.3f} | {late} | "
        f"{locust_rate} |"
    )


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Plot requests per second."""
    mpl.use("svg" if path.suffix == ".svg" else "agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.4 * len(rows) + 1.5), layout="constrained")
    labels = [f"{row['name']}, k = {row['k']}, {row['workers']} workers" for row in rows]
    bars = axes.barh(labels, [row["rate"] for row in rows])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.invert_yaxis()
    axes.set(xlabel="requests per second (wrk, 16 connections per worker)")
    axes.margins(x=0.12)
    figure.savefig(path)


def main() -> None:
    """Serve, load, print, plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path)
    parser.add_argument("--k", type=int, nargs="+", default=[10])
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--locust", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(describe()))
    head = "| | workers | k | requests/s | relative to FastAPI | CPU ms "
    print(head + "| p99 ms at 25% (relative to FastAPI) | 50% | 80% | locust/s |")
    print("|" + "---|" * 10)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for workers in arguments.workers:
            for k in arguments.k:
                rows += compare(arguments, k, workers, Path(folder))
    save(arguments.json, {"machine": describe(), "rows": rows})
    if arguments.plot is not None:
        draw(rows, arguments.plot)


if __name__ == "__main__":
    main()
