"""Coroutines that begin where they are called."""

import asyncio

import pytest

from bitrecall.service.http.eager import EagerCoroutine, switch_to_task


async def waiting(future: asyncio.Future[int], times: int = 2) -> int:
    """Waits some times for a future, and for nothing if that is zero."""
    return sum([await asyncio.shield(future) for _ in range(times)])


def test_what_waits_for_nothing_is_over_at_once() -> None:
    async def told() -> str:
        return "done"

    begun = EagerCoroutine(told())
    assert begun.is_done
    assert begun.result == "done"


def test_the_rest_can_be_awaited() -> None:
    async def run() -> int:
        future = asyncio.get_running_loop().create_future()
        begun = EagerCoroutine(waiting(future))
        assert not begun.is_done
        future.set_result(7)
        return await begun

    assert asyncio.run(run()) == 14


def test_what_goes_wrong_reaches_it_and_what_it_raises_comes_out() -> None:
    async def run() -> None:
        future = asyncio.get_running_loop().create_future()
        begun = EagerCoroutine(waiting(future))
        future.set_exception(OSError("gone"))
        await begun

    with pytest.raises(OSError, match="gone"):
        asyncio.run(run())


def test_a_task_can_be_waited_for() -> None:
    async def in_a_task() -> asyncio.Task[None] | None:
        await switch_to_task()
        return asyncio.current_task()

    async def run() -> bool:
        begun = EagerCoroutine(in_a_task())
        assert not begun.is_done
        return await begun is asyncio.current_task()

    assert asyncio.run(run())
