"""Compare checkouts of Bitrecall, served in turn on one machine.

    git worktree add ../before HEAD~1
    (cd ../before && python -c 'import setuptools; setuptools.setup()' build_ext --inplace)
    python -m benchmarks.service.compare_checkouts RELEASES ../before .

All checkouts run for the whole time, next to an empty FastAPI POST route. wrk (`apt-get install
wrk`) loads one after another, in an order that changes between rounds, so that other load on the
machine affects all of them; then an open loop runs at half of each one's maximum throughput.
Compare the ratios to the empty route within a round.

A checkout that reads another format of releases needs its own release, trained in the same way:
CHECKOUT=RELEASES.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.service.empty_apps import serving_empty
from benchmarks.tools.http_load import USERS, open_loop, script_for, wrk
from benchmarks.tools.machine import describe, quantile, save
from benchmarks.tools.serving import serving
from bitrecall.loadtest.target import Target

ROUTE = "FastAPI"


def main() -> None:
    """Serve, load, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path)
    parser.add_argument("checkouts", nargs="+", metavar="CHECKOUT[=RELEASES]")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(describe()))
    results: dict[str, list[dict[str, float]]] = {}
    with ExitStack() as stack:
        up = {ROUTE: stack.enter_context(serving_empty(ROUTE, arguments.workers))}
        options = ("--events", "off", "--log-level", "error", "--workers", str(arguments.workers))
        for checkout in arguments.checkouts:
            path, _, store = checkout.partition("=")
            releases = Path(store) if store else arguments.releases
            up[path] = stack.enter_context(serving(releases, *options, checkout=Path(path)))
        users = Target.at(up[arguments.checkouts[0].partition("=")[0]][0]).users(USERS)
        script = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "requests.lua"
        script.write_text(script_for(users, arguments.k))
        for _ in range(arguments.rounds):
            for name in random.sample([*up], len(up)):
                results.setdefault(name, []).append(
                    wrk(*up[name], script, arguments.seconds, arguments.workers)
                )
        for turn in range(arguments.rounds):
            for name in random.sample([*up], len(up)):
                half = statistics.median(result["rate"] for result in results[name]) / 2
                loop = open_loop(up[name][0], users, arguments.k, half, arguments.seconds)
                results[name][turn]["late_ms"] = 1000 * quantile(asyncio.run(loop), 0.99)
    titles = "requests/s | relative to FastAPI | CPU µs | p99 ms at half load | relative to FastAPI"
    print(f"| | {titles} |")
    print("|" + "---|" * 6)
    for name in [*results]:
        print(line(name, results[name], results[ROUTE]))
    save(arguments.json, {"machine": describe(), "k": arguments.k, "found": results})


def line(name: str, results: list[dict[str, float]], route: list[dict[str, float]]) -> str:
    """Return a row of the table: medians, and the minimum and maximum of ratios."""
    cells = [name]
    for key, write in (("rate", "{:,.0f}"), ("late_ms", "{:.2f}")):
        ratios = [mine[key] / theirs[key] for mine, theirs in zip(results, route, strict=True)]
        cells.append(write.format(statistics.median(result[key] for result in results)))
        cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})")
    cells.insert(3, f"{1000 * statistics.median(result['cpu_ms'] for result in results):.0f}")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
