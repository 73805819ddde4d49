"""A stub of the service: real sockets, and responses that a test can set."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

STALL = 0.25
USERS = [f"user {number}" for number in range(5)]
METRICS = """# HELP bitrecall_search_seconds Seconds of a search.
bitrecall_search_seconds_bucket{{le="+Inf"}} {count}.0
bitrecall_search_seconds_count {count}.0
bitrecall_search_seconds_sum {seconds}
bitrecall_shed_requests_total 3.0
"""


class Stub:
    """Responds to ``/users``, ``/metrics`` and ``/recommend``, and records requests."""

    def __init__(self) -> None:
        self.users = list(USERS)
        self.key: str | None = None
        self.requests: list[dict] = []
        self.busy_from: int | None = None
        self.hang_up_at: int | None = None
        self.stall_at: int | None = None
        self.url = ""

    async def serve(self, ready: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.stop = asyncio.Event()
        ready.set()
        await self.stop.wait()
        server.close()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.lower().split("\r\n")
                lengths = [line.partition(":")[2] for line in lines if line.startswith("content-l")]
                body = await reader.readexactly(int(lengths[0])) if lengths else b""
                respond = self.respond(head, body)
                if respond is None:
                    break
                if self.stall_at is not None and len(self.requests) == self.stall_at:
                    await asyncio.sleep(STALL)
                status, text = respond
                writer.write(
                    f"HTTP/1.1 {status} x\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
                )
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    def respond(self, head: str, body: bytes) -> tuple[int, str] | None:
        path = head.split(" ")[1]
        if self.key is not None and f"authorization: bearer {self.key}" not in head.lower():
            return 401, "{}"
        if path.startswith("/users"):
            return 200, json.dumps({"ids": self.users})
        if path == "/metrics":
            return 200, METRICS.format(count=len(self.requests), seconds=len(self.requests) * 1e-5)
        self.requests.append(json.loads(body))
        if self.hang_up_at == len(self.requests):
            return None
        if self.busy_from is not None and len(self.requests) >= self.busy_from:
            return 503, "{}"
        return 200, json.dumps({"items": []})


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(stub.serve(ready)))
    thread.start()
    assert ready.wait(300)
    yield stub
    stub.loop.call_soon_threadsafe(stub.stop.set)
    thread.join(300)
