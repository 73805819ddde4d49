"""Measure what each part of the fast HTTP layer saves.

    python -m benchmarks.service.http_parts RELEASES

Serves the releases in this process. A batch is one request on each of 16 connections, sent before
the clock starts; the clock stops when all responses are written. Batches are measured in turn with
the complete service, and with one part replaced by the plain code that it stands for
(http_replacements.py). Prints microseconds per request: the 10th percentile, since other processes
only ever add to it, and its ratio to the complete service. A ratio above 1 is what the part saves.
The complete service is measured twice; the second ratio shows the noise.

No client process has to be woken here. `--wrk` measures with one (`apt-get install wrk`): it prints
requests per second, the best of rounds of one second, and needs a quiet machine.
"""

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import cycle
from pathlib import Path
from socket import create_connection
from unittest.mock import patch

import uvloop
from tqdm import tqdm
from uvicorn import Config
from uvicorn.server import ServerState

from benchmarks.service.http_replacements import (
    AGAIN,
    COMPLETE,
    Replacement,
    replacements_by_part,
)
from benchmarks.tools.http_load import CONNECTIONS, USERS, script_for
from benchmarks.tools.machine import describe, quantile, save
from bitrecall.service.app import Service
from bitrecall.service.http.protocol import HttpProtocol
from bitrecall.service.settings import Settings

# Batches per variant and round, and warm-up batches before them that are not measured.
BATCHES, WARM_UP = 40, 4

Address = tuple[str, int]


@asynccontextmanager
async def serving(releases: Path) -> AsyncIterator[tuple[Service, ServerState, Address]]:
    """Serve in this process, with the protocol class but without uvicorn's server."""
    app = Service(Settings(releases=releases, events="off"))
    async with app.router.lifespan_context(app):
        config = Config(app, http=HttpProtocol, ws="none", interface="asgi3", log_config=None)
        config.load()
        config.loaded_app = app
        state = ServerState()
        state.default_headers = [(b"date", b"Sat, 28 Nov 2026 20:00:00 GMT")]
        server = await asyncio.get_running_loop().create_server(
            lambda: HttpProtocol(config=config, server_state=state, app_state={}), "127.0.0.1"
        )
        async with server:
            yield app, state, server.sockets[0].getsockname()


async def measure(releases: Path, rounds: int, k: int, only: list[str]) -> dict[str, list[float]]:
    """Return the microseconds per request of each batch, by replaced part."""
    costs: dict[str, list[float]] = {}
    async with serving(releases) as (app, state, address):
        requests = cycle(request(user, k) for user in users_of(app))
        for _ in tqdm(range(rounds), unit="round"):
            for name, replacements in shuffled(replacements_by_part(app), only):
                with replaced(replacements):
                    costs.setdefault(name, []).extend(await batches(address, state, requests))
    return costs


async def batches(address: Address, state: ServerState, requests: Iterator[bytes]) -> list[float]:
    """Return the microseconds per request of several batches, on new connections."""
    costs = []
    with ExitStack() as stack:
        clients = [stack.enter_context(create_connection(address)) for _ in range(CONNECTIONS)]
        while len(state.connections) < CONNECTIONS:
            await asyncio.sleep(0)
        for number in range(WARM_UP + BATCHES):
            for client in clients:
                client.sendall(next(requests))
            started, target = time.perf_counter(), state.total_requests + CONNECTIONS
            while state.total_requests < target:
                await asyncio.sleep(0)
            # Writes that were held back are flushed in the next turn.
            await asyncio.sleep(0)
            if number >= WARM_UP:
                costs.append(1e6 * (time.perf_counter() - started) / CONNECTIONS)
            for client in clients:
                if not client.recv(65_536).startswith(b"HTTP/1.1 200 OK"):
                    raise SystemExit("a response was not 200 OK")
    while state.connections:
        await asyncio.sleep(0)
    return costs


async def measure_rate(
    releases: Path, rounds: int, k: int, only: list[str]
) -> dict[str, list[float]]:
    """Return the requests per second of each round with wrk, by replaced part."""
    rates: dict[str, list[float]] = {}
    async with serving(releases) as (app, _, (host, port)):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "requests.lua"
            script.write_text(script_for(users_of(app), k))
            url = f"http://{host}:{port}"
            command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d1s", "-s", str(script), url]
            for _ in tqdm(range(rounds), unit="round"):
                for name, replacements in shuffled(replacements_by_part(app), only):
                    with replaced(replacements):
                        process = await create_subprocess_exec(*command, stdout=PIPE)
                        text = (await process.communicate())[0].decode()
                    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
                    if rate is None or "Non-2xx" in text:
                        raise SystemExit(f"wrk reported errors:\n{text}")
                    rates.setdefault(name, []).append(float(rate[1]))
    return rates


def users_of(app: Service) -> list[str]:
    """Return the ids of some users of the release."""
    recommender = app.current.recommender
    assert recommender is not None
    return recommender.release.users.ids_of(range(min(USERS, recommender.release.n_users)))


def request(user: str, k: int) -> bytes:
    """Return the bytes of a request for a user's recommendations."""
    content = json.dumps({"user_id": user, "k": k}).encode()
    head = "POST /recommend HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def shuffled(
    variants: dict[str, list[Replacement]], only: list[str]
) -> list[tuple[str, list[Replacement]]]:
    """Return the variants to measure, in random order."""
    names = [COMPLETE, AGAIN, *only] if only else [*variants]
    return [(name, variants[name]) for name in random.sample(names, len(names))]


@contextmanager
def replaced(replacements: list[Replacement]) -> Iterator[None]:
    """Replace attributes during a ``with`` block."""
    with ExitStack() as stack:
        for target, attribute, value in replacements:
            stack.enter_context(patch.object(target, attribute, value))
        yield


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=[], help="names of parts to measure")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--wrk", action="store_true", help="measure requests per second by wrk")
    arguments = parser.parse_args()
    print(json.dumps(describe()), file=sys.stderr)
    measurement = measure_rate if arguments.wrk else measure
    results = uvloop.run(
        measurement(arguments.releases, arguments.rounds, arguments.k, arguments.only)
    )
    unit = "requests/s, best" if arguments.wrk else "µs per request, 10th percentile"
    best = {
        name: max(values) if arguments.wrk else quantile(values, 0.1)
        for name, values in results.items()
    }
    print(f"| without | {unit} | relative to the complete service |")
    print("|---|---|---|")
    for name, value in sorted(best.items(), key=lambda pair: pair[1], reverse=arguments.wrk):
        print(f"| {name} | {value:,.1f} | {value / best[COMPLETE]:.3f} |")
    save(arguments.json, {"machine": describe(), "k": arguments.k, "results": results})


if __name__ == "__main__":
    main()
