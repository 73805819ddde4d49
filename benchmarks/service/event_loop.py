"""Measure whether the search should run on the event loop or on a thread.

    python -m benchmarks.service.event_loop

Serves a release of the size of Gowalla in each of the ways below, each in its own process, and
loads them in turn from this process, in many short rounds, over persistent connections. Compare
figures within one run only: the client shares the CPUs with the server. If the machine has other
load, the CPU time per request is the most reliable figure.

plain route, inline        every search on the event loop
plain route, thread        every search on a thread of anyio's
plain route, thread k>100  only searches for more than that on a thread: what the service does
FastAPI route, inline      ``async def`` with the models as parameter and return type
FastAPI route, thread      the same as ``def``, which FastAPI runs on a thread
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
from typing import Any

import faiss
import numpy as np
import uvicorn
from anyio import to_thread
from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.tools import random_release
from benchmarks.tools.processes import cpu_seconds
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import QueryOptions, RankedItems
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.parsing import parse_request
from bitrecall.service.api.rendering import render
from bitrecall.service.api.schemas.requests import RecommendRequest
from bitrecall.service.api.schemas.responses import RecommendedItem, RecommendResponse
from bitrecall.service.app import create_app
from bitrecall.service.http.body import read_body
from bitrecall.service.settings import Settings

WAYS = (
    "plain route, inline",
    "plain route, thread",
    "plain route, thread k>100",
    "FastAPI route, inline",
    "FastAPI route, thread",
)
CONNECTIONS = 16


def recommend(recommender: Recommender, request: RecommendRequest) -> bytes:
    """Return a response as JSON, computed on the current thread."""
    faiss.omp_set_num_threads(1)
    answer = recommender.recommend(request.user_id, request.query_options())
    return render(answer)


def documented(recommender: Recommender, request: RecommendRequest) -> RecommendResponse:
    """Return a response as the model of a FastAPI route."""
    faiss.omp_set_num_threads(1)
    answer = recommender.recommend(request.user_id, request.query_options())
    found = zip(answer.item_ids, answer.distances or (), strict=True)
    return RecommendResponse(
        user_id=answer.user_id,
        k=answer.k,
        items=[
            RecommendedItem(id=item, distance=distance, score=answer.bits - 2 * distance)
            for item, distance in found
        ],
        release_id=answer.release_id,
        source=answer.source,
    )


class PlainRoute:
    """The plain route, with searches inline or on a thread."""

    def __init__(self, recommender: Recommender, *, thread: bool) -> None:
        self._recommender = recommender
        self._thread = thread

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Respond like the service, except for where the search runs."""
        body = await read_body(scope, receive, limit=65_536, seconds=10.0)
        request = parse_request(body, RecommendRequest)
        if self._thread:
            content = await to_thread.run_sync(recommend, self._recommender, request)
        else:
            content = recommend(self._recommender, request)
        await Response(content, media_type="application/json")(scope, receive, send)


def application(way: str, releases: Path) -> FastAPI:
    """The service, with ``/recommend`` served in one of the ways."""
    app = create_app(Settings(releases=releases, poll_interval=3600))
    recommender = Recommender(ReleaseStore(releases).open_current())
    if way == "plain route, thread k>100":
        return app
    app.router.routes[:] = [
        route for route in app.router.routes if getattr(route, "path", None) != "/recommend"
    ]
    if way.startswith("plain"):
        plain = PlainRoute(recommender, thread=way.endswith("thread"))
        app.router.routes.append(Route("/recommend", plain, methods=["POST"]))
    elif way == "FastAPI route, inline":

        @app.post("/recommend", response_model_exclude_unset=True)
        async def on_the_loop(request: RecommendRequest) -> RecommendResponse:
            return documented(recommender, request)
    else:

        @app.post("/recommend", response_model_exclude_unset=True)
        def on_a_thread(request: RecommendRequest) -> RecommendResponse:
            return documented(recommender, request)

    return app


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


async def ask_until(port: int, end: float, make: Callable[[], bytes]) -> list[float]:
    """Send requests over one connection until a deadline; return the milliseconds of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    while time.perf_counter() < end:
        begun = time.perf_counter()
        writer.write(make())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        took.append((time.perf_counter() - begun) * 1000)
    writer.close()
    await writer.wait_closed()
    return took


async def load(server: Server, k: int, seconds: float, *, probe: bool) -> dict[str, float]:
    """Load a server with requests for ``k`` items; with ``probe``, also time ``/livez``."""
    random = np.random.default_rng(k)

    def ask() -> bytes:
        user = str(random.integers(random_release.USERS))
        return request_bytes("/recommend", {"user_id": user, "k": k})

    cpu, begun = cpu_seconds(server.process.pid), time.perf_counter()
    end = begun + seconds
    work: list[Awaitable[list[float]]] = [
        ask_until(server.port, end, ask) for _ in range(CONNECTIONS)
    ]
    if probe:
        work.append(ask_until(server.port, end, lambda: request_bytes("/livez")))
    results = await asyncio.gather(*work)
    took = np.concatenate(results[:CONNECTIONS])
    measured = {
        "rate": len(took) / (time.perf_counter() - begun),
        "cpu": 1000 * (cpu_seconds(server.process.pid) - cpu) / len(took),
        "p50": float(np.percentile(took, 50)),
        "p99": float(np.percentile(took, 99)),
    }
    if probe:
        measured["live p50"] = float(np.percentile(results[-1], 50))
        measured["live p99"] = float(np.percentile(results[-1], 99))
    return measured


def print_alone(releases: Path) -> None:
    """Print the time of a response alone, and of a switch to a thread and back."""
    recommender = Recommender(ReleaseStore(releases).open_current())
    faiss.omp_set_num_threads(1)

    def median_ms(act: Callable[[int], object]) -> float:
        took = []
        for number in range(500):
            begun = time.perf_counter()
            act(number)
            took.append((time.perf_counter() - begun) * 1000)
        return statistics.median(took)

    for k in (10, 100, 1000):
        answer = recommender.recommend("0", QueryOptions(k))
        options = QueryOptions(k)

        def find(number: int, options: QueryOptions = options) -> None:
            recommender.recommend(str(number), options)

        def write(number: int, answer: RankedItems = answer) -> None:
            render(answer)

        found, rendered = median_ms(find), median_ms(write)
        print(f"k = {k:4}: finding the items {found:.3f} ms, writing the JSON {rendered:.3f} ms")

    async def hops() -> float:
        took = []
        for _ in range(500):
            begun = time.perf_counter()
            await to_thread.run_sync(lambda: None)
            took.append((time.perf_counter() - begun) * 1000)
        return statistics.median(took)

    print(f"to a thread and back: {asyncio.run(hops()):.3f} ms")


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
    print(f"\nk = {k}, {CONNECTIONS} connections, and one that asks /livez\n")
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
    parser.add_argument("--seconds", type=float, default=0.4, help="of load a round and way")
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--releases", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        config = uvicorn.Config(
            application(given.serve, given.releases),
            loop="uvloop",
            http="httptools",
            ws="none",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
        )
        uvicorn.Server(config).run(sockets=[socket.socket(fileno=given.fd)])
        return
    load_average = os.getloadavg()[0]
    print(f"{os.cpu_count()} CPUs ({platform.machine()}), load average before {load_average:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        random_release.publish(Path(folder))
        print_alone(Path(folder))
        compare(Path(folder), given.rounds, given.seconds)


if __name__ == "__main__":
    main()
