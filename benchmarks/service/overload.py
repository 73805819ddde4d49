"""Measure throughput and latency of the service at several times its capacity.

    python -m benchmarks.service.overload                       # a release of the size of Gowalla
    python -m benchmarks.service.overload --releases releases --times 4 --seconds 60

Finds the number of closed-loop connections with the maximum throughput, then sends several times
that rate with Poisson arrivals (an open loop). Prints the rate of successful responses, the
rejections, the latency of both and of /livez and /readyz, and the memory. The best of several
measurements is biased upwards, so it is measured again, for as long as the overload, half before
and half after it.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import uvloop

from benchmarks.tools import random_release
from benchmarks.tools.processes import children, pss_mib
from benchmarks.tools.serving import serving
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.loadtest.load_generator import OK, TOO_BUSY, LoadGenerator, ResponseCounts
from bitrecall.loadtest.target import Target

CONNECTIONS = (4, 8, 16, 32, 48)
ROUND = 4.0
K = 10
# Many more than the limit of concurrent requests.
OPEN_LOOP_CONNECTIONS = 500


async def throughput(
    target: Target, requests: Sequence[bytes], connections: int, seconds: float
) -> float:
    """Return the successful responses per second of closed-loop connections."""
    async with LoadGenerator(target.address, requests, connections) as load:
        answers = await load.as_fast_as_answered(seconds)
    rate = answers.rate(OK)
    print(f"{connections} connections: {rate:,.0f} responses/s", flush=True)
    return rate


async def probes(url: str, stop: asyncio.Event) -> dict[str, list[float]]:
    """Time /livez and /readyz several times per second; return seconds."""
    taken: dict[str, list[float]] = {"/livez": [], "/readyz": []}
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        while not stop.is_set():
            for path, seconds in taken.items():
                started = time.perf_counter()
                (await client.get(path)).raise_for_status()
                seconds.append(time.perf_counter() - started)
            await asyncio.sleep(0.2)
    return taken


async def memory(pid: int, stop: asyncio.Event) -> list[float]:
    """Sample the service's memory every few seconds; return PSS in MiB."""
    taken = []
    while not stop.is_set():
        taken.append(sum(pss_mib(process) for process in children(pid)))
        await asyncio.sleep(5)
    return taken


def line(name: str, seconds: Sequence[float]) -> str:
    """Return percentiles of a set of times, in ms."""
    p50, p99, maximum = np.percentile(np.array(seconds) * 1000, [50, 99, 100])
    return f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, maximum {maximum:.1f} ms"


def report(answers: ResponseCounts, offered: float, best: float) -> None:
    """Print the results; rates are requests and successful responses per second."""
    good, busy = answers.rate(OK), answers.rate(TOO_BUSY)
    others = {s: len(t) for s, t in answers.seconds.items() if s not in (OK, TOO_BUSY)}
    print(f"offered {offered:,.0f} requests/s, {offered / best:.1f} times the capacity")
    print(f"{answers.all_rate:,.0f} responses/s: {good:,.0f} successful, {busy:,.0f} rejected")
    print(f"successful responses over the capacity: {good / best:.2f}")
    print(f"other statuses: {others or 'none'}; connections lost: {answers.lost}")
    for status, name in ((OK, "successful"), (TOO_BUSY, "rejected")):
        if answers.seconds.get(status):
            print(line(name, answers.seconds[status]))
    if answers.late:
        print(f"up to {answers.late} requests waited for a free connection")


async def measure(
    target: Target, pid: int, requests: Sequence[bytes], arguments: argparse.Namespace
) -> None:
    """Find the maximum throughput, then overload."""
    rates = {number: await throughput(target, requests, number, ROUND) for number in CONNECTIONS}
    best_count = max(rates, key=rates.__getitem__)
    half = arguments.seconds / 2
    before = await throughput(target, requests, best_count, half)
    stop = asyncio.Event()
    watching = asyncio.gather(probes(target.url, stop), memory(pid, stop))
    async with LoadGenerator(target.address, requests, OPEN_LOOP_CONNECTIONS) as load:
        answers = await load.at_rate(arguments.times * before, arguments.seconds)
    stop.set()
    taken, samples = await watching
    after = await throughput(target, requests, best_count, half)
    report(answers, arguments.times * before, (before + after) / 2)
    for path, seconds in taken.items():
        print(line(path, seconds))
    print("memory, MiB: " + " ".join(f"{mib:.0f}" for mib in samples))


def main() -> None:
    """Serve, measure, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--releases", type=Path, help="a store; random codes by default")
    parser.add_argument("--times", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        root = arguments.releases
        if root is None:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            random_release.publish(root)
        current = ReleaseStore(root).open_current()
        users = current.users.ids_of(range(min(1000, current.manifest.users)))
        options = ("--workers", str(arguments.workers), "--log-level", "error", "--events", "off")
        url, pid = stack.enter_context(serving(root, *options))
        target = Target.at(url)
        requests = [target.recommend(user, K) for user in users]
        uvloop.run(measure(target, pid, requests, arguments))


if __name__ == "__main__":
    main()
