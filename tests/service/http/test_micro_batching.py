"""Requests that have come at once are answered together, and none waits for what another does."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from bitrecall.index.errors import SearchUnavailableError
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import QueryOptions, RankedItems
from bitrecall.index.releases.release import Release
from bitrecall.service.http.micro_batching import MAX_BATCH, MicroBatcher

Begin = Callable[[], Coroutine[Any, Any, None] | None]


class Watched(Recommender):
    """Remembers how many codes were searched at a time."""

    def __init__(self, release: Release) -> None:
        super().__init__(release)
        self.sizes: list[int] = []
        self.error: Exception | None = None
        search = self.catalogue.search

        def watched(codes: Any, *given: Any) -> Any:
            self.sizes.append(len(codes))
            if self.error is not None:
                raise self.error
            return search(codes, *given)

        self.catalogue.search = watched  # type: ignore[assignment,method-assign]


@pytest.fixture
def recommender(release: Release) -> Watched:
    return Watched(release)


def answered(begins: list[Begin], batcher: MicroBatcher, times: int = 10) -> None:
    """Answers them, on a loop that turns some times."""

    async def run() -> None:
        for begin in begins:
            batcher.add(begin)
        for _ in range(times):
            await asyncio.sleep(0)

    asyncio.run(run())


def ask(batcher: MicroBatcher, one: Recommender, user: str, k: int, into: dict[Any, Any]) -> Begin:
    async def answer() -> None:
        try:
            into[user, k] = await batcher.run(one.recommend_steps(user, QueryOptions(k)))
        except Exception as error:
            into[user, k] = error

    return answer


def test_what_comes_at_once_is_searched_as_one_and_answered_as_alone(
    recommender: Watched,
) -> None:
    batcher, answers = MicroBatcher(), dict[Any, RankedItems]()
    users = [recommender.release.users.id_of(row) for row in range(3)]
    asked = [(user, k) for k in (5, 2) for user in users] + [("a stranger", 5)]
    answered([ask(batcher, recommender, user, k, answers) for user, k in asked], batcher)
    assert sorted(recommender.sizes) == [3, 3]
    for user, k in asked:
        assert answers[user, k] == recommender.recommend(user, QueryOptions(k))


def test_more_than_a_round_has_room_for_are_answered_in_their_order(recommender: Watched) -> None:
    batcher, answers = MicroBatcher(), dict[Any, RankedItems]()
    user = recommender.first_user
    count = 2 * MAX_BATCH + 3
    answered([ask(batcher, recommender, user, 5 + n % 1, answers) for n in range(count)], batcher)
    assert recommender.sizes == [MAX_BATCH, MAX_BATCH, 3]


def test_outside_of_a_round_an_answer_waits_for_nobody(recommender: Watched) -> None:
    batcher, user = MicroBatcher(), recommender.first_user

    async def run() -> RankedItems:
        return await batcher.run(recommender.recommend_steps(user, QueryOptions(3)))

    assert asyncio.run(run()) == recommender.recommend(user, QueryOptions(3))


def test_who_waits_for_something_else_holds_nobody_up_and_keeps_its_context(
    recommender: Watched,
) -> None:
    batcher, answers = MicroBatcher(), dict[Any, Any]()
    named: ContextVar[str] = ContextVar("named")

    async def slow(name: str) -> None:
        token = named.set(name)
        await asyncio.sleep(0)
        assert asyncio.current_task() is not None
        answers[name] = await batcher.run(recommender.recommend_steps(name, QueryOptions(2)))
        assert named.get() == name
        named.reset(token)
        answers["order"] = [*answers.get("order", ()), name]

    user, other, last = (recommender.release.users.id_of(row) for row in range(3))
    begins = [
        partial(slow, user),
        ask(batcher, recommender, other, 2, answers),
        partial(slow, last),
    ]
    answered(begins, batcher)
    assert recommender.sizes == [1, 1, 1]
    assert answers["order"] == [user, last]
    assert (other, 2) in answers


def test_what_is_not_to_be_answered_here_is_left_alone(recommender: Watched) -> None:
    batcher, answers = MicroBatcher(), dict[Any, RankedItems]()
    user = recommender.first_user
    answered([lambda: None, ask(batcher, recommender, user, 2, answers), lambda: None], batcher)
    assert [*answers] == [(user, 2)]


def test_a_search_that_fails_is_no_affair_of_the_others(recommender: Watched) -> None:
    batcher, answers = MicroBatcher(), dict[Any, Any]()
    sound = Watched(recommender.release)
    user = recommender.first_user
    recommender.error = SearchUnavailableError("away")
    begins = [ask(batcher, recommender, user, 2, answers), ask(batcher, sound, user, 3, answers)]
    answered(begins, batcher)
    assert answers[user, 2].degraded
    assert answers[user, 3] == sound.recommend(user, QueryOptions(3))
    recommender.error = ValueError("a fault of ours")
    answered(begins, batcher)
    assert answers[user, 2] is recommender.error
    assert answers[user, 3] == sound.recommend(user, QueryOptions(3))
