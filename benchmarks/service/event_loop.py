"""Measure whether the search should run on the event loop or on a thread.

    python -m benchmarks.service.event_loop

Serves a release of the size of Gowalla in each of the ways below, each in its own process, and
loads them in turn from this process, in many short rounds, over persistent connections. Compare
figures within one run only: the client shares the CPUs with the server. If the machine has other
load, the CPU time per request is the most reliable figure.

plain route, inline        every search on the event loop
plain route, thread        every search on a thread of AnyIO
plain route, thread k>100  searches with k above 100 on a thread: what the service does
FastAPI route, inline      ``async def``, with models as parameter and return type
FastAPI route, thread      the same with ``def``, which FastAPI runs on a thread
"""

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import faiss
import numpy as np
import uvicorn
from anyio import to_thread

from benchmarks.service.event_loop_apps import WAYS, application
from benchmarks.tools import random_release
from benchmarks.tools.processes import cpu_seconds
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import QueryOptions, RankedItems
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.rendering import render

CONNECTIONS = 16


class Server:
    """A server for one of the ways, in its own process."""

    def __init__(self, way: str, releases: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            self.port = sock.getsockname()[1]
            command = [
                sys.executable,
                "-m",
                "benchmarks.service.event_loop",
                "--serve",
                way,
                "--releases",
                str(releases),
            ]
            command += ["--fd", str(sock.fileno())]
            self.process = subprocess.Popen(command, pass_fds=[sock.fileno()])

    def stop(self) -> None:
        """Stop the server."""
        self.process.terminate()
        self.process.wait()


def request_bytes(path: str, document: object = None) -> bytes:
    """Return a request as sent on the wire."""
    if document is None:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    body = json.dumps(document).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


async def request_until(port: int, end: float, make: Callable[[], bytes]) -> list[float]:
    """Send requests over one connection until a deadline; return the milliseconds of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    durations = []
    while time.perf_counter() < end:
        started = time.perf_counter()
        writer.write(make())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        durations.append((time.perf_counter() - started) * 1000)
    writer.close()
    await writer.wait_closed()
    return durations


async def load(server: Server, k: int, seconds: float, *, probe: bool) -> dict[str, float]:
    """Load a server with requests for ``k`` items; with ``probe``, also time ``/livez``."""
    random = np.random.default_rng(k)

    def next_request() -> bytes:
        user = str(random.integers(random_release.USERS))
        return request_bytes("/recommend", {"user_id": user, "k": k})

    cpu, started = cpu_seconds(server.process.pid), time.perf_counter()
    end = started + seconds
    connections: list[Awaitable[list[float]]] = [
        request_until(server.port, end, next_request) for _ in range(CONNECTIONS)
    ]
    if probe:
        connections.append(request_until(server.port, end, lambda: request_bytes("/livez")))
    results = await asyncio.gather(*connections)
    durations = np.concatenate(results[:CONNECTIONS])
    measured = {
        "rate": len(durations) / (time.perf_counter() - started),
        "cpu": 1000 * (cpu_seconds(server.process.pid) - cpu) / len(durations),
        "p50": float(np.percentile(durations, 50)),
        "p99": float(np.percentile(durations, 99)),
    }
    if probe:
        measured["live p50"] = float(np.percentile(results[-1], 50))
        measured["live p99"] = float(np.percentile(results[-1], 99))
    return measured


def print_alone(releases: Path) -> None:
    """Print the time of a response alone, and of a switch to a thread and back."""
    recommender = Recommender(ReleaseStore(releases).open_current())
    faiss.omp_set_num_threads(1)

    def median_ms(function: Callable[[int], object]) -> float:
        durations = []
        for number in range(500):
            started = time.perf_counter()
            function(number)
            durations.append((time.perf_counter() - started) * 1000)
        return statistics.median(durations)

    for k in (10, 100, 1000):
        result = recommender.recommend("0", QueryOptions(k))
        options = QueryOptions(k)

        def search_items(number: int, options: QueryOptions = options) -> None:
            recommender.recommend(str(number), options)

        def render_items(number: int, result: RankedItems = result) -> None:
            render(result)

        search, rendering = median_ms(search_items), median_ms(render_items)
        print(f"k = {k:4}: search {search:.3f} ms, rendering {rendering:.3f} ms")

    async def thread_switch() -> float:
        durations = []
        for _ in range(500):
            started = time.perf_counter()
            await to_thread.run_sync(lambda: None)
            durations.append((time.perf_counter() - started) * 1000)
        return statistics.median(durations)

    print(f"to a thread and back: {asyncio.run(thread_switch()):.3f} ms")


def compare(releases: Path, rounds: int, seconds: float) -> None:
    """Print a table for small and for large responses."""
    servers = {way: Server(way, releases) for way in WAYS}
    try:
        for server in servers.values():
            asyncio.run(load(server, 10, 0.3, probe=True))
        for k in (10, 1000):
            measured: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
            for _ in range(rounds):
                for way, server in servers.items():
                    measured[way].append(asyncio.run(load(server, k, seconds, probe=True)))
            print_table(k, measured)
    finally:
        for server in servers.values():
            server.stop()


def print_table(k: int, measured: dict[str, list[dict[str, float]]]) -> None:
    """Print medians over the rounds, and the CPU time relative to the first way."""
    medians = {
        way: {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        for way, rounds in measured.items()
    }
    first = medians[WAYS[0]]["cpu"]
    print(f"\nk = {k}, {CONNECTIONS} connections, and one for /livez\n")
    print("| way | CPU ms | ratio | requests/s | p50 ms | p99 ms | livez p50 | livez p99 |")
    print("|---|---|---|---|---|---|---|---|")
    for way, row in medians.items():
        print(
            f"| {way} | {row['cpu']:.2f} | {row['cpu'] / first:.2f} | {row['rate']:.0f} "
            f"| {row['p50']:.1f} | {row['p99']:.1f} | {row['live p50']:.1f} "
            f"| {row['live p99']:.1f} |"
        )


def main() -> None:
    """Compare the ways; in a child process, serve one of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=0.4, help="of load per round and way")
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--releases", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        config = uvicorn.Config(
            application(arguments.serve, arguments.releases),
            loop="uvloop",
            http="httptools",
            ws="none",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
        )
        uvicorn.Server(config).run(sockets=[socket.socket(fileno=arguments.fd)])
        return
    load_average = os.getloadavg()[0]
    print(f"{os.cpu_count()} CPUs ({platform.machine()}), load average before {load_average:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        random_release.publish(Path(folder))
        print_alone(Path(folder))
        compare(Path(folder), arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
