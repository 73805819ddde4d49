"""A service of few words: real sockets, and answers that a test can set."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

STALL = 0.25
USERS = [f"user {number}" for number in range(5)]
METRICS = """# HELP bitrecall_search_seconds A search, for one request or some at once.
bitrecall_search_seconds_bucket{{le="+Inf"}} {asked}.0
bitrecall_search_seconds_count {asked}.0
bitrecall_search_seconds_sum {seconds}
bitrecall_shed_requests_total 3.0
"""


class Stub:
    """Answers ``/users``, ``/metrics`` and ``/recommend``, and remembers what was asked."""

    def __init__(self) -> None:
        self.users = list(USERS)
        self.key: str | None = None
        self.asked: list[dict] = []
        self.busy_from: int | None = None
        self.hang_up_at: int | None = None
        self.stall_at: int | None = None
        self.url = ""

    async def serve(self, ready: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.over = asyncio.Event()
        ready.set()
        await self.over.wait()
        server.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.lower().split("\r\n")
                lengths = [one.partition(":")[2] for one in lines if one.startswith("content-l")]
                body = await reader.readexactly(int(lengths[0])) if lengths else b""
                answer = self.answer(head, body)
                if answer is None:
                    break
                if self.stall_at is not None and len(self.asked) == self.stall_at:
                    await asyncio.sleep(STALL)
                status, text = answer
                writer.write(
                    f"HTTP/1.1 {status} x\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
                )
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, head: str, body: bytes) -> tuple[int, str] | None:
        path = head.split(" ")[1]
        if self.key is not None and f"authorization: bearer {self.key}" not in head.lower():
            return 401, "{}"
        if path.startswith("/users"):
            return 200, json.dumps({"ids": self.users})
        if path == "/metrics":
            return 200, METRICS.format(asked=len(self.asked), seconds=len(self.asked) * 1e-5)
        self.asked.append(json.loads(body))
        if self.hang_up_at == len(self.asked):
            return None
        if self.busy_from is not None and len(self.asked) >= self.busy_from:
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
    stub.loop.call_soon_threadsafe(stub.over.set)
    thread.join(300)
