"""What does each part that makes HTTP fast save? The service as it is, and without one part.

    python -m benchmarks.service.http_parts RELEASES

Serves the releases in this process. A batch is one request on each of 16 connections, sent before
the clock starts; the clock stops when all responses are written. Batches are measured in turn with
the service as it is and with one part replaced by what would stand there without it. Prints
microseconds per request: the 10th percentile, since other processes only ever add to it, and its
ratio to the complete service. What is above 1 is what the part saves. The complete service is
measured twice; the second ratio shows the noise.

This has no client that has to be woken; `--wrk` has one (`apt-get install wrk`). It then prints
requests per second, the best of rounds of a second, which need a quiet machine.
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
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import cycle
from pathlib import Path
from secrets import token_hex
from socket import create_connection
from typing import Any
from unittest.mock import patch

import uvloop
from tqdm import tqdm
from uvicorn import Config
from uvicorn.server import ServerState

from benchmarks.tools.http_load import CONNECTIONS, USERS, script_for
from benchmarks.tools.machine import describe, quantile, save
from bitrecall.service.app import Service
from bitrecall.service.http import body, connection, micro_batching
from bitrecall.service.http.direct_response import BufferedExchange
from bitrecall.service.http.eager import EagerCoroutine
from bitrecall.service.http.protocol import HttpProtocol
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.observability.request_ids import RequestId
from bitrecall.service.settings import Settings

COMPLETE, AGAIN = "complete", "complete, again"

# Batches per variant and round, and those before them that do not count.
BATCHES, WARM_UP = 40, 4

Replacement = tuple[object, str, Any]
Address = tuple[str, int]


class LoopTimer:
    """Sets and cancels a timer of the event loop each time, in place of ``Deadline``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
        self._loop, self._act = loop, act
        self._timer: asyncio.TimerHandle | None = None

    def after(self, seconds: float) -> None:
        """Set the timer."""
        self.clear()
        self._timer = self._loop.call_later(seconds, self._act)

    def clear(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    cancel = clear


class BodyTimer(EagerCoroutine[Any]):
    """Sets a timer while the body is read, even if it has arrived."""

    def __init__(self, awaitable: Any) -> None:
        timer = asyncio.get_running_loop().call_later(10, print)
        super().__init__(awaitable)
        timer.cancel()


def add_task(batcher: Any, begin: Callable[[], Any]) -> None:
    """Start a task for a request, in place of ``MicroBatcher.add``."""
    if (coroutine := begin()) is not None:
        task = asyncio.get_running_loop().create_task(coroutine)
        batcher._tasks.add(task)
        task.add_done_callback(batcher._tasks.discard)


async def uvicorn_send(exchange: BufferedExchange, message: Any) -> None:
    """Send a message as uvicorn does, in place of ``BufferedExchange.send``."""
    await exchange.cycle.send(message)


async def uvicorn_receive(exchange: BufferedExchange) -> Any:
    """Receive a message as uvicorn does, in place of ``BufferedExchange.receive``."""
    return await exchange.cycle.receive()


def connection_made(self: Any, transport: Any) -> None:
    """Open a connection that writes to its transport directly."""
    _connection_made(self, transport)
    self.transport = transport


_connection_made = connection.LimitedConnection.connection_made


def random_id(scope: Any, generated: object) -> RequestId:
    """A random id, in place of ``RequestId.of``."""
    for name, _ in scope["headers"]:
        if name == b"x-request-id":
            break
    return RequestId(token_hex(16))


def count_now(metrics: Any, method: str, path: str, status: int, seconds: float) -> None:
    """Count a request at once, in place of ``Metrics.count_request``."""
    metrics._requests.labels(method, path, str(status)).inc()
    metrics._latency.labels(path).observe(seconds)
    metrics.flush()


def parts(app: Service) -> dict[str, list[Replacement]]:
    """What replaces each part."""
    return {
        COMPLETE: [],
        AGAIN: [],
        "one search for a batch": [(micro_batching, "MAX_BATCH", 1)],
        "micro-batching, eager start": [(micro_batching.MicroBatcher, "add", add_task)],
        "fast path past the framework": [(app, "fast_path", lambda scope: None)],
        "response in one write": [(BufferedExchange, "send", uvicorn_send)],
        "body without waiting": [(BufferedExchange, "receive", uvicorn_receive)],
        "no timer for a body that is there": [(body, "EagerCoroutine", BodyTimer)],
        "writes coalesced": [(connection.LimitedConnection, "connection_made", connection_made)],
        "deadlines": [(connection, "Deadline", LoopTimer)],
        "request ids by counting": [(RequestId, "of", random_id)],
        "metrics told later": [(Metrics, "count_request", count_now)],
    }


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
    """Microseconds per request of each batch, by part that is left out."""
    costs: dict[str, list[float]] = {}
    async with serving(releases) as (app, state, address):
        requests = cycle(request(user, k) for user in users_of(app))
        for _ in tqdm(range(rounds), unit="round"):
            for name, replacements in shuffled(parts(app), only):
                with replaced(replacements):
                    costs.setdefault(name, []).extend(await batches(address, state, requests))
    return costs


async def batches(address: Address, state: ServerState, requests: Iterator[bytes]) -> list[float]:
    """Microseconds per request of each of some batches, on connections of their own."""
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
                    raise SystemExit("a request was not answered")
    while state.connections:
        await asyncio.sleep(0)
    return costs


async def measure_rate(
    releases: Path, rounds: int, k: int, only: list[str]
) -> dict[str, list[float]]:
    """Requests per second by wrk of each round, by part that is left out."""
    rates: dict[str, list[float]] = {}
    async with serving(releases) as (app, _, (host, port)):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "ask.lua"
            script.write_text(script_for(users_of(app), k))
            url = f"http://{host}:{port}"
            command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d1s", "-s", str(script), url]
            for _ in tqdm(range(rounds), unit="round"):
                for name, replacements in shuffled(parts(app), only):
                    with replaced(replacements):
                        process = await create_subprocess_exec(*command, stdout=PIPE)
                        text = (await process.communicate())[0].decode()
                    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
                    if rate is None or "Non-2xx" in text:
                        raise SystemExit(f"answered with errors:\n{text}")
                    rates.setdefault(name, []).append(float(rate[1]))
    return rates


def users_of(app: Service) -> list[str]:
    """Ids of some users of the release."""
    recommender = app.current.recommender
    assert recommender is not None
    return recommender.release.users.ids_of(range(min(USERS, recommender.release.n_users)))


def request(user: str, k: int) -> bytes:
    """A request for a user's items."""
    content = json.dumps({"user_id": user, "k": k}).encode()
    head = "POST /recommend HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def shuffled(
    variants: dict[str, list[Replacement]], only: list[str]
) -> list[tuple[str, list[Replacement]]]:
    """The variants to measure, in a new order."""
    names = [COMPLETE, AGAIN, *only] if only else [*variants]
    return [(name, variants[name]) for name in random.sample(names, len(names))]


@contextmanager
def replaced(replacements: list[Replacement]) -> Iterator[None]:
    """Replace attributes for a while."""
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
    act = measure_rate if arguments.wrk else measure
    results = uvloop.run(act(arguments.releases, arguments.rounds, arguments.k, arguments.only))
    unit = "requests/s, best" if arguments.wrk else "µs per request, 10th percentile"
    best = {
        name: max(values) if arguments.wrk else quantile(values, 0.1)
        for name, values in results.items()
    }
    print(f"| without | {unit} | over the complete service |")
    print("|---|---|---|")
    for name, value in sorted(best.items(), key=lambda pair: pair[1], reverse=arguments.wrk):
        print(f"| {name} | {value:,.1f} | {value / best[COMPLETE]:.3f} |")
    save(arguments.json, {"machine": describe(), "k": arguments.k, "results": results})


if __name__ == "__main__":
    main()
