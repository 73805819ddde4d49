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


def measure_until(
    stub, count: int, measure: Callable[[float], Awaitable[ResponseCounts]]
) -> ResponseCounts:
    """Measure until the service gets ``count`` requests: a busy machine needs longer."""
    for seconds in (0.2, 2.0, 20.0, 200.0):
        stub.requests.clear()
        answers = asyncio.run(measure(seconds))
        if len(stub.requests) >= count:
            return answers
    pytest.fail(f"the service got fewer than {count} requests")


class Clock:
    """A simulated clock that advances by half a millisecond per reading."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.0005
        return self.now


def test_a_closed_loop_sends_requests_continuously(stub) -> None:
    async def measure(seconds: float) -> ResponseCounts:
        async with LoadGenerator(Target.at(stub.url).address, requests_of(stub), 3) as load:
            return await load.as_fast_as_answered(seconds)

    answers = measure_until(stub, 10, measure)
    assert set(answers.seconds) == {200}
    assert len(answers.seconds[200]) == len(stub.requests) > 3
    assert answers.lost == 0
    assert {request["user_id"] for request in stub.requests} == set(stub.users)
    assert {request["k"] for request in stub.requests} == {7}


def test_an_open_loop_sends_requests_at_its_rate(stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bitrecall.loadtest.load_generator.time", SimpleNamespace(perf_counter=Clock())
    )
    monkeypatch.setattr("random.expovariate", lambda rate: 1 / rate)

    async def measure():
        # A connection for each request, so that none waits for another response.
        async with LoadGenerator(Target.at(stub.url).address, requests_of(stub), 110) as load:
            return await load.at_rate(200.0, 0.5)

    answers = asyncio.run(measure())
    assert 99 <= len(answers.seconds[200]) <= 101
    assert all(seconds > 0 for seconds in answers.seconds[200])


def test_latency_includes_the_wait_of_requests_due_during_a_stall(stub) -> None:
    stub.stall_at = 3

    async def measure():
        async with LoadGenerator(Target.at(stub.url).address, requests_of(stub), 1) as load:
            return await load.at_rate(200.0, 2.0)

    answers = asyncio.run(measure())
    # About 50 requests are due during a stall of a quarter of a second.
    assert sum(seconds > 0.02 for seconds in answers.seconds[200]) > 10
    assert answers.late > 10


def test_counts_rejected_and_lost_requests(stub) -> None:
    stub.busy_from, stub.hang_up_at = 10, 12

    async def measure(seconds: float) -> ResponseCounts:
        async with LoadGenerator(Target.at(stub.url).address, requests_of(stub), 2) as load:
            return await load.as_fast_as_answered(seconds)

    answers = measure_until(stub, 14, measure)
    assert len(answers.seconds[200]) == 9
    assert len(answers.seconds[503]) > 1
    assert answers.lost == 1


def test_raises_if_the_port_is_closed() -> None:
    async def measure():
        async with LoadGenerator(Address("127.0.0.1", 1), [b""], 1):
            pass

    with pytest.raises(LoadTestError, match=r"cannot connect to 127\.0\.0\.1:1"):
        asyncio.run(measure())
