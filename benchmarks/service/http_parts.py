"""What does each part that makes HTTP fast save? The service as it is, and without one part.

    python -m benchmarks.service.http_parts RELEASES --rounds 15

Serves the releases in this process and loads them with wrk (`apt-get install wrk`) for a second at
a time, in turn as the service is and with one part replaced by what would stand there without it.
Prints microseconds of the server's processor time per request: the least and the lower quartile of
the rounds, since other processes only ever add to it, and the ratio of the quartile to that of the
complete service: what is above 1 is what the part saves. The complete service is measured twice;
the second ratio shows the noise.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any
from unittest.mock import patch

import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from benchmarks.tools.http_load import CONNECTIONS, USERS, script_for
from benchmarks.tools.machine import describe, save
from bitrecall.service.app import Service
from bitrecall.service.http import body, connection, micro_batching
from bitrecall.service.http.direct_response import BufferedExchange
from bitrecall.service.http.eager import EagerCoroutine
from bitrecall.service.http.protocol import HttpProtocol
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.observability.request_ids import RequestId
from bitrecall.service.settings import Settings

COMPLETE, AGAIN = "complete", "complete, again"

Patch = tuple[object, str, Any]


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
    """Count a request at once, in place of ``Metrics.request``."""
    metrics._requests.labels(method, path, str(status)).inc()
    metrics._latency.labels(path).observe(seconds)
    metrics.tell()


def parts(app: Service) -> dict[str, list[Patch]]:
    """What replaces each part."""
    return {
        COMPLETE: [],
        AGAIN: [],
        "one search for a batch": [(micro_batching, "_MOST", 1)],
        "micro-batching, eager start": [(micro_batching.MicroBatcher, "add", add_task)],
        "fast path past the framework": [(app, "fast_path", lambda scope: None)],
        "response in one write": [(BufferedExchange, "send", uvicorn_send)],
        "body without waiting": [(BufferedExchange, "receive", uvicorn_receive)],
        "no timer for a body that is there": [(body, "EagerCoroutine", BodyTimer)],
        "writes coalesced": [(connection.LimitedConnection, "connection_made", connection_made)],
        "deadlines": [(connection, "Deadline", LoopTimer)],
        "request ids by counting": [(RequestId, "of", random_id)],
        "metrics told later": [(Metrics, "request", count_now)],
    }


async def measure(releases: Path, rounds: int, k: int, only: list[str]) -> dict[str, list[float]]:
    """Microseconds per request of each variant, round by round."""
    app = Service(Settings(releases=releases, events="off"))
    found: dict[str, list[float]] = {}
    async with app.router.lifespan_context(app):
        config = Config(app, http=HttpProtocol, ws="none", interface="asgi3", log_config=None)
        config.load()
        config.loaded_app = app
        state = ServerState()
        state.default_headers = [(b"date", b"Sat, 28 Nov 2026 20:00:00 GMT")]
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: HttpProtocol(config=config, server_state=state, app_state={}), "127.0.0.1"
        )
        host, port = server.sockets[0].getsockname()
        recommender = app.current.recommender
        assert recommender is not None
        users = recommender.release.users.ids_of(range(min(USERS, recommender.release.n_users)))
        variants = parts(app)
        if only:
            variants = {name: variants[name] for name in (COMPLETE, AGAIN, *only)}
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "ask.lua"
            script.write_text(script_for(users, k))
            for _ in range(rounds):
                for name in random.sample([*variants], len(variants)):
                    with ExitStack() as stack:
                        for target, attribute, value in variants[name]:
                            stack.enter_context(patch.object(target, attribute, value))
                        cost = await load(f"http://{host}:{port}", script)
                    found.setdefault(name, []).append(cost)
        server.close()
    return found


async def load(url: str, script: Path) -> float:
    """Microseconds of this process per request."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d1s", "-s", str(script), url]
    before = time.process_time()
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    text = (await process.communicate())[0].decode()
    took = time.process_time() - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"answered with errors:\n{text}")
    return 1e6 * took / int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]


def quartile(costs: list[float]) -> float:
    """The lower quartile."""
    return sorted(costs)[len(costs) // 4]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=[], help="names of parts to measure")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(describe()))
    found = uvloop.run(measure(arguments.releases, arguments.rounds, arguments.k, arguments.only))
    print("| without | least µs | lower quartile | over the complete service |")
    print("|---|---|---|---|")
    for name, costs in sorted(found.items(), key=lambda pair: quartile(pair[1])):
        ratio = quartile(costs) / quartile(found[COMPLETE])
        print(f"| {name} | {min(costs):.1f} | {quartile(costs):.1f} | {ratio:.3f} |")
    save(arguments.json, {"machine": describe(), "k": arguments.k, "found": found})


if __name__ == "__main__":
    main()
