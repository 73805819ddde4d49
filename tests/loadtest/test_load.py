import asyncio

import pytest

from loadtest.errors import LoadTestError
from loadtest.load import Address, Load
from loadtest.target import Target


def requests_of(stub) -> list[bytes]:
    target = Target.at(stub.url, stub.key)
    return [target.recommend(user, 7) for user in target.users(10)]


def test_a_closed_loop_asks_again_and_again(stub) -> None:
    async def measured():
        async with Load(Target.at(stub.url).address, requests_of(stub), 3) as load:
            return await load.as_fast_as_answered(0.2)

    answers = asyncio.run(measured())
    assert set(answers.seconds) == {200}
    assert len(answers.seconds[200]) == len(stub.asked) > 3
    assert answers.lost == 0
    assert {one["user_id"] for one in stub.asked} == set(stub.users)
    assert {one["k"] for one in stub.asked} == {7}


def test_an_open_loop_asks_at_its_rate_and_waits_for_a_free_connection(stub) -> None:
    async def measured():
        async with Load(Target.at(stub.url).address, requests_of(stub), 20) as load:
            return await load.at_rate(200.0, 0.5)

    answers = asyncio.run(measured())
    # 100 are due, give or take five standard deviations.
    assert 50 <= len(answers.seconds[200]) <= 150
    assert all(seconds > 0 for seconds in answers.seconds[200])


def test_what_came_due_while_the_service_stalled_waited_too(stub) -> None:
    stub.stall_at = 3

    async def measured():
        async with Load(Target.at(stub.url).address, requests_of(stub), 1) as load:
            return await load.at_rate(200.0, 0.5)

    answers = asyncio.run(measured())
    # Some 50 came due in a stall of a quarter of a second, at any moment of it.
    assert sum(seconds > 0.02 for seconds in answers.seconds[200]) > 10
    assert answers.late > 10


def test_what_is_turned_away_and_lost_is_counted(stub) -> None:
    stub.busy_from, stub.hang_up_at = 10, 12

    async def measured():
        async with Load(Target.at(stub.url).address, requests_of(stub), 2) as load:
            return await load.as_fast_as_answered(0.2)

    answers = asyncio.run(measured())
    assert len(answers.seconds[200]) == 9
    assert len(answers.seconds[503]) > 1
    assert answers.lost == 1


def test_where_nobody_listens_is_an_error() -> None:
    async def measured():
        async with Load(Address("127.0.0.1", 1), [b""], 1):
            pass

    with pytest.raises(LoadTestError, match=r"127\.0\.0\.1:1 takes no connection"):
        asyncio.run(measured())
