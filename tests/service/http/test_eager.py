"""Coroutines that run eagerly to their first suspension."""

import asyncio

import pytest

from bitrecall.service.http.eager import EagerCoroutine, switch_to_task


async def waiting(future: asyncio.Future[int], times: int = 2) -> int:
    """Wait ``times`` times for a future."""
    return sum([await asyncio.shield(future) for _ in range(times)])


def test_a_coroutine_without_suspension_is_done_at_once() -> None:
    async def done() -> str:
        return "done"

    coroutine = EagerCoroutine(done())
    assert coroutine.is_done
    assert coroutine.result == "done"


def test_awaits_a_suspended_coroutine() -> None:
    async def run() -> int:
        future = asyncio.get_running_loop().create_future()
        coroutine = EagerCoroutine(waiting(future))
        assert not coroutine.is_done
        future.set_result(7)
        return await coroutine

    assert asyncio.run(run()) == 14


def test_passes_exceptions_in_and_out() -> None:
    async def run() -> None:
        future = asyncio.get_running_loop().create_future()
        coroutine = EagerCoroutine(waiting(future))
        future.set_exception(OSError("gone"))
        await coroutine

    with pytest.raises(OSError, match="gone"):
        asyncio.run(run())


def test_switches_to_a_task() -> None:
    async def in_a_task() -> asyncio.Task[None] | None:
        await switch_to_task()
        return asyncio.current_task()

    async def run() -> bool:
        coroutine = EagerCoroutine(in_a_task())
        assert not coroutine.is_done
        return await coroutine is asyncio.current_task()

    assert asyncio.run(run())
