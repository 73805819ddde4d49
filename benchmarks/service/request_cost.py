"""Measure the cost of a response within the application, and of its parts.

    python -m benchmarks.service.request_cost RELEASES --profile

Calls the application directly, without a server or a socket, for ten items of one user after
another. Prints microseconds per request: the total, and the parts of searching and rendering.
"""

import argparse
import cProfile
import json
import pstats
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import uvloop

from benchmarks.tools.machine import describe, quantile, seconds
from bitrecall.index.recommend.types import QueryOptions
from bitrecall.service.api.rendering import render
from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings

USERS = 3000


def scope_of(body: bytes) -> dict[str, Any]:
    """Return the ASGI scope of a request, as uvicorn passes it."""
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/recommend",
        "raw_path": b"/recommend",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [*headers, (b"content-length", b"%d" % len(body))],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


async def send_request(app: Any, body: bytes) -> int:
    """Send a request; return the status."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope_of(body), receive, send)
    return int(sent[0]["status"])


async def measure(releases: Path, k: int, profile: bool) -> None:
    """Measure and print."""
    faiss.omp_set_num_threads(1)
    app: Any = create_app(Settings(releases=releases, events="off"))
    app.current.refresh()
    recommender = app.current.recommender
    rows = np.random.default_rng(0).permutation(recommender.release.n_users)[:USERS]
    users = recommender.release.users.ids_of(rows)
    bodies = [json.dumps({"user_id": user, "k": k}).encode() for user in users]
    numbers = iter(range(10**9))

    def next_user() -> str:
        return str(users[next(numbers) % len(users)])

    options = QueryOptions(k)
    parts: dict[str, Callable[[], object]] = {
        "search": lambda: recommender.recommend(next_user(), options),
        "search and render": lambda: render(recommender.recommend(next_user(), options)),
    }
    print(json.dumps(describe()))
    print(f"{recommender.n_items:,} items, k = {k}, microseconds, median and p99")
    for name, act in parts.items():
        took = seconds(act, 1.5)
        print(f"{name:>17} {quantile(took, 0.5) * 1e6:6.1f} {quantile(took, 0.99) * 1e6:6.1f}")
    took = [await _timed(app, body) for body in bodies * 3]
    median, late, mean = quantile(took, 0.5), quantile(took, 0.99), statistics.fmean(took)
    print(f"{'complete request':>17} {median * 1e6:6.1f} {late * 1e6:6.1f}, mean {mean * 1e6:.1f}")
    if profile:
        profiler = cProfile.Profile()
        profiler.enable()
        for body in bodies:
            await send_request(app, body)
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(40)


async def _timed(app: Any, body: bytes) -> float:
    started = time.perf_counter()
    status = await send_request(app, body)
    took = time.perf_counter() - started
    assert status == 200
    return took


def main() -> None:
    """Measure with the event loop of the service."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    uvloop.run(measure(arguments.releases, arguments.k, arguments.profile))


if __name__ == "__main__":
    main()
