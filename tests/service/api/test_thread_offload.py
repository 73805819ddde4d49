"""Long work: few at a time, and given up when nobody waits for it."""

import asyncio
from collections.abc import Callable
from threading import Event

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from bitrecall.service.api.thread_offload import ThreadOffload
from bitrecall.service.errors import TooBusyError


class Client:
    """A client that waits until it is told to go."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Work:
    """Work that begins, and goes on until it is let end or its client has gone."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = Event(), Event()

    def __call__(self, check: Callable[[], None]) -> str:
        self.has_begun.set()
        while not self.may_end.wait(0.001):
            check()
        return "done"

    async def begun(self) -> None:
        await asyncio.to_thread(self.has_begun.wait)


def test_it_returns_what_the_work_does_and_raises_what_it_raises() -> None:
    async def main() -> None:
        heavy = ThreadOffload(1)
        assert await heavy.run(lambda check: 17, Client().receive) == 17
        with pytest.raises(ZeroDivisionError):
            await heavy.run(lambda check: 1 // 0, Client().receive)
        assert await heavy.run(lambda check: 18, Client().receive) == 18

    asyncio.run(main())


def test_few_are_done_at_a_time_some_wait_and_the_next_are_refused() -> None:
    async def main() -> None:
        heavy = ThreadOffload(2)
        works = [Work() for _ in range(10)]
        tasks = [asyncio.create_task(heavy.run(work, Client().receive)) for work in works]
        await works[0].begun()
        await works[1].begun()
        with pytest.raises(TooBusyError):
            await heavy.run(Work(), Client().receive)
        assert [work.has_begun.is_set() for work in works] == [True, True, *[False] * 8]
        for number, work in enumerate(works):
            await work.begun()
            assert sum(one.has_begun.is_set() for one in works) <= number + 2
            work.may_end.set()
            await tasks[number]
        assert await heavy.run(lambda check: "again", Client().receive) == "again"

    asyncio.run(main())


def test_work_is_given_up_when_its_client_goes_and_the_next_begins() -> None:
    async def main() -> None:
        heavy, client = ThreadOffload(1), Client()
        first, second = Work(), Work()
        one = asyncio.create_task(heavy.run(first, client.receive))
        await first.begun()
        two = asyncio.create_task(heavy.run(second, Client().receive))
        client.gone.set()
        with pytest.raises(ClientDisconnect):
            await one
        await second.begun()
        second.may_end.set()
        assert await two == "done"

    asyncio.run(main())


def test_work_whose_client_goes_before_its_turn_never_begins() -> None:
    async def main() -> None:
        heavy, client = ThreadOffload(1), Client()
        first, second = Work(), Work()
        one = asyncio.create_task(heavy.run(first, Client().receive))
        await first.begun()
        two = asyncio.create_task(heavy.run(second, client.receive))
        client.gone.set()
        with pytest.raises(ClientDisconnect):
            await two
        first.may_end.set()
        assert await one == "done"
        assert not second.has_begun.is_set()

    asyncio.run(main())


def test_work_ends_when_its_request_is_cancelled() -> None:
    async def main() -> None:
        heavy, work = ThreadOffload(1), Work()
        task = asyncio.create_task(heavy.run(work, Client().receive))
        await work.begun()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # asyncio.run waits for the thread, which would not end by itself.

    asyncio.run(main())
