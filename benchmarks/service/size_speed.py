"""Measure how latency grows with the size of the catalogue.

    python -m benchmarks.service.size_speed RELEASES LARGER_RELEASES … --rate 500

Serves the current release of each store in turn, for several rounds, and requests ten items for one
user after another at the same rate, in an open loop: latency is measured from the scheduled send
time. Prints the median and the p99, and the ratio of the p99 to that of the first store by round.
"""

import argparse
import asyncio
import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.tools.http_load import open_loop
from benchmarks.tools.machine import describe, quantile, save
from benchmarks.tools.serving import serving
from benchmarks.tools.synthetic_codes import release_in
from bitrecall.loadtest.target import Target


def measured(releases: Path, rate: float, seconds: float) -> tuple[float, float]:
    """Return median and p99 in milliseconds, after a warm-up."""
    with serving(releases, "--events", "off", "--log-level", "error") as (url, _):
        users = Target.at(url).users(1000)
        asyncio.run(open_loop(url, users, 10, rate, seconds / 2))
        took = asyncio.run(open_loop(url, users, 10, rate, seconds))
    return 1000 * quantile(took, 0.5), 1000 * quantile(took, 0.99)


def main() -> None:
    """Serve, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path, nargs="+")
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(describe()))
    results: dict[Path, list[tuple[float, float]]] = {store: [] for store in arguments.releases}
    for _ in range(arguments.rounds):
        for store in arguments.releases:
            results[store].append(measured(store, arguments.rate, arguments.seconds))
    rows: list[dict[str, Any]] = []
    print("| items | p50 ms | p99 ms | p99 relative to the first |\n|---|---|---|---|")
    for store, rounds in results.items():
        first = results[arguments.releases[0]]
        ratios = [result[1] / other[1] for result, other in zip(rounds, first, strict=True)]
        rows.append(
            {
                "items": release_in(store).n_items,
                "p50_ms": statistics.median(p50 for p50, _ in rounds),
                "p99_ms": statistics.median(p99 for _, p99 in rounds),
                "ratio": statistics.median(ratios),
                "ratios": [min(ratios), max(ratios)],
            }
        )
        row = rows[-1]
        low, high = row["ratios"]
        print(
            f"| {row['items']:,} | {row['p50_ms']:.2f} | {row['p99_ms']:.2f} | "
            f"{row['ratio']:.2f} ({low:.2f} … {high:.2f}) |",
            flush=True,
        )
    save(arguments.json, {"machine": describe(), "rate": arguments.rate, "rows": rows})


if __name__ == "__main__":
    main()
