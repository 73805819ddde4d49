"""The client that benchmarks load services with, against a server that notes what it is asked."""

import asyncio
from collections.abc import Callable
from types import ModuleType

import pytest

ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 4\r\n\r\nbusy",
)


@pytest.fixture(scope="module")
def load(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("load")


class Server:
    """Answers requests in turn, in two pieces each, and hangs up once it has answered so many."""

    def __init__(self, most: int | None = None) -> None:
        self.asked: list[bytes] = []
        self.most = most

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await self._head(reader):
            length = int(head.partition(b"content-length: ")[2].split()[0])
            self.asked.append(await reader.readexactly(length))
            if self.most is not None and len(self.asked) > self.most:
                break
            answer = ANSWERS[len(self.asked) % 2]
            writer.write(answer[:20])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(answer[20:])
        writer.close()
        await writer.wait_closed()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""


@pytest.mark.parametrize("way", ["closed", "open"])
def test_every_request_is_answered_and_counted_by_its_status(load: ModuleType, way: str) -> None:
    server = Server()

    async def measured() -> object:
        listener = await asyncio.start_server(server.converse, "127.0.0.1", 0)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            requests = [load.post("/x", body) for body in (b"{}", b"[1]")]
            async with load.Load(port, requests, 3) as client:
                if way == "closed":
                    return await client.as_fast_as_answered(0.2)
                return await client.at_rate(100, 0.2)

    answers = asyncio.run(measured())
    counts = [len(answers.seconds[status]) for status in (200, 503)]
    assert sum(counts) == len(server.asked) > 3
    assert abs(counts[0] - counts[1]) <= 1
    assert answers.lost == 0
    assert set(server.asked) == {b"{}", b"[1]"}
    assert answers.all_rate == pytest.approx(len(server.asked) / answers.took)


@pytest.mark.parametrize("way", ["closed", "open"])
def test_what_a_service_hangs_up_on_is_lost(load: ModuleType, way: str) -> None:
    server = Server(most=4)

    async def measured() -> object:
        listener = await asyncio.start_server(server.converse, "127.0.0.1", 0)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            async with load.Load(port, [load.post("/x", b"{}")], 2) as client:
                if way == "closed":
                    return await client.as_fast_as_answered(0.2)
                return await client.at_rate(200, 0.2)

    answers = asyncio.run(measured())
    assert sum(map(len, answers.seconds.values())) == 4
    assert answers.lost == 2
