import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from bitrecall.loadtest.errors import LoadTestError
from bitrecall.loadtest.load_generator import Address, LoadGenerator, ResponseCounts
from bitrecall.loadtest.target import Target


def requests_of(stub) -> list[bytes]:
    target = Target.at(stub.url, stub.key)
    return [target.recommend(user, 7) for user in target.users(10)]


def until_asked(
    stub, times: int, measured: Callable[[float], Awaitable[ResponseCounts]]
) -> ResponseCounts:
    """A measurement in which the service was asked as often: a busy machine needs longer."""
    for seconds in (0.2, 2.0, 20.0, 200.0):
        stub.asked.clear()
        answers = asyncio.run(measured(seconds))
        if len(stub.asked) >= times:
            return answers
    pytest.fail(f"it was not asked {times} times")


class Clock:
    """Goes on by half a millisecond each time that it is looked at, however busy the machine."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.0005
        return self.now


def test_a_closed_loop_asks_again_and_again(stub) -> None:
    async def measured(seconds: float) -> ResponseCounts:
        async with LoadGenerator(Target.at(stub.url).address, requests_of(stub), 3) as load:
            return await load.as_fast_as_answered(seconds)

    answers = until_asked(stub, 10, measured)
    assert set(answers.seconds) == {200}
    assert len(answers.seconds[200]) == len(stub.asked) > 3
    assert answers.lost == 0
    assert {one["user_id"] for one in stub.asked} == set(stub.users)
    assert {one["k"] for one in stub.asked} == {7}


def test_an_open_loop_asks_at_its_rate(stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bitrecall.loadtest.load_generator.time", SimpleNamespace(perf_counter=Clock())
    )
    monkeypatch.setattr("random.expovariate", lambda rate: 1 / rate)

    async def measured():
        # A connection for each, so that none waits for an answer to another.
        async with LoadGenerator(Target.at(stub.url).address, requests_of(stub), 110) as load:
            return await load.at_rate(200.0, 0.5)

    answers = asyncio.run(measured())
    assert 99 <= len(answers.seconds[200]) <= 101
    assert all(seconds > 0 for seconds in answers.seconds[200])


def test_what_came_due_while_the_service_stalled_waited_too(stub) -> None:
    stub.stall_at = 3

    async def measured():
        async with LoadGenerator(Target.at(stub.url).address, requests_of(stub), 1) as load:
            return await load.at_rate(200.0, 2.0)

    answers = asyncio.run(measured())
    # Some 50 came due in a stall of a quarter of a second, at any moment of it.
    assert sum(seconds > 0.02 for seconds in answers.seconds[200]) > 10
    assert answers.late > 10


def test_what_is_turned_away_and_lost_is_counted(stub) -> None:
    stub.busy_from, stub.hang_up_at = 10, 12

    async def measured(seconds: float) -> ResponseCounts:
        async with LoadGenerator(Target.at(stub.url).address, requests_of(stub), 2) as load:
            return await load.as_fast_as_answered(seconds)

    answers = until_asked(stub, 14, measured)
    assert len(answers.seconds[200]) == 9
    assert len(answers.seconds[503]) > 1
    assert answers.lost == 1


def test_where_nobody_listens_is_an_error() -> None:
    async def measured():
        async with LoadGenerator(Address("127.0.0.1", 1), [b""], 1):
            pass

    with pytest.raises(LoadTestError, match=r"127\.0\.0\.1:1 cannot be connected to"):
        asyncio.run(measured())
