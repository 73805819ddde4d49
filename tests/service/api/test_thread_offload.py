"""Long work: limited concurrency, and cancellation with its client."""

import asyncio
from collections.abc import Callable
from threading import Event

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from bitrecall.service.api.thread_offload import ThreadOffload
from bitrecall.service.errors import TooBusyError


class Client:
    """A client that disconnects when ``disconnected`` is set."""

    def __init__(self) -> None:
        self.disconnected = asyncio.Event()

    async def receive(self) -> Message:
        await self.disconnected.wait()
        return {"type": "http.disconnect"}


class Work:
    """Work that runs until it may finish or its client has disconnected."""

    def __init__(self) -> None:
        self.has_started, self.may_finish = Event(), Event()

    def __call__(self, check: Callable[[], None]) -> str:
        self.has_started.set()
        while not self.may_finish.wait(0.001):
            check()
        return "done"

    async def started(self) -> None:
        await asyncio.to_thread(self.has_started.wait)


def test_returns_the_result_and_raises_the_exception_of_the_work() -> None:
    async def main() -> None:
        heavy = ThreadOffload(1)
        assert await heavy.run(lambda check: 17, Client().receive) == 17
        with pytest.raises(ZeroDivisionError):
            await heavy.run(lambda check: 1 // 0, Client().receive)
        assert await heavy.run(lambda check: 18, Client().receive) == 18

    asyncio.run(main())


def test_limits_running_and_waiting_work() -> None:
    async def main() -> None:
        heavy = ThreadOffload(2)
        works = [Work() for _ in range(10)]
        tasks = [asyncio.create_task(heavy.run(work, Client().receive)) for work in works]
        await works[0].started()
        await works[1].started()
        with pytest.raises(TooBusyError):
            await heavy.run(Work(), Client().receive)
        assert [work.has_started.is_set() for work in works] == [True, True, *[False] * 8]
        for number, work in enumerate(works):
            await work.started()
            assert sum(other.has_started.is_set() for other in works) <= number + 2
            work.may_finish.set()
            await tasks[number]
        assert await heavy.run(lambda check: "again", Client().receive) == "again"

    asyncio.run(main())


def test_cancels_running_work_when_its_client_disconnects() -> None:
    async def main() -> None:
        heavy, client = ThreadOffload(1), Client()
        first, second = Work(), Work()
        first_task = asyncio.create_task(heavy.run(first, client.receive))
        await first.started()
        second_task = asyncio.create_task(heavy.run(second, Client().receive))
        client.disconnected.set()
        with pytest.raises(ClientDisconnect):
            await first_task
        await second.started()
        second.may_finish.set()
        assert await second_task == "done"

    asyncio.run(main())


def test_does_not_start_work_whose_client_has_disconnected() -> None:
    async def main() -> None:
        heavy, client = ThreadOffload(1), Client()
        first, second = Work(), Work()
        first_task = asyncio.create_task(heavy.run(first, Client().receive))
        await first.started()
        second_task = asyncio.create_task(heavy.run(second, client.receive))
        client.disconnected.set()
        with pytest.raises(ClientDisconnect):
            await second_task
        first.may_finish.set()
        assert await first_task == "done"
        assert not second.has_started.is_set()

    asyncio.run(main())


def test_cancels_work_with_its_request() -> None:
    async def main() -> None:
        heavy, work = ThreadOffload(1), Work()
        task = asyncio.create_task(heavy.run(work, Client().receive))
        await work.started()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # asyncio.run waits for the thread, which would not end by itself.

    asyncio.run(main())
