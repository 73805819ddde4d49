"""Concurrent requests run as one batch, and do not wait for each other otherwise."""

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


class RecordingRecommender(Recommender):
    """Records the number of codes in each search."""

    def __init__(self, release: Release) -> None:
        super().__init__(release)
        self.sizes: list[int] = []
        self.error: Exception | None = None
        search = self.catalogue.search

        def recording(codes: Any, *arguments: Any) -> Any:
            self.sizes.append(len(codes))
            if self.error is not None:
                raise self.error
            return search(codes, *arguments)

        self.catalogue.search = recording  # type: ignore[assignment,method-assign]


@pytest.fixture
def recommender(release: Release) -> RecordingRecommender:
    return RecordingRecommender(release)


def run_requests(begins: list[Begin], batcher: MicroBatcher, times: int = 10) -> None:
    """Run requests, for ``times`` turns of the event loop."""

    async def run() -> None:
        for begin in begins:
            batcher.add(begin)
        for _ in range(times):
            await asyncio.sleep(0)

    asyncio.run(run())


def request_to(
    batcher: MicroBatcher, source: Recommender, user: str, k: int, results: dict[Any, Any]
) -> Begin:
    async def answer() -> None:
        try:
            results[user, k] = await batcher.run(source.recommend_steps(user, QueryOptions(k)))
        except Exception as error:
            results[user, k] = error

    return answer


def test_a_batch_is_one_search_with_the_results_of_single_requests(
    recommender: RecordingRecommender,
) -> None:
    batcher, answers = MicroBatcher(), dict[Any, RankedItems]()
    users = [recommender.release.users.id_of(row) for row in range(3)]
    queries = [(user, k) for k in (5, 2) for user in users] + [("a stranger", 5)]
    run_requests(
        [request_to(batcher, recommender, user, k, answers) for user, k in queries], batcher
    )
    assert sorted(recommender.sizes) == [3, 3]
    for user, k in queries:
        assert answers[user, k] == recommender.recommend(user, QueryOptions(k))


def test_splits_many_requests_into_batches_in_order(recommender: RecordingRecommender) -> None:
    batcher, answers = MicroBatcher(), dict[Any, RankedItems]()
    user = recommender.first_user
    count = 2 * MAX_BATCH + 3
    run_requests(
        [request_to(batcher, recommender, user, 5 + n % 1, answers) for n in range(count)], batcher
    )
    assert recommender.sizes == [MAX_BATCH, MAX_BATCH, 3]


def test_a_request_outside_a_batch_does_not_wait(recommender: RecordingRecommender) -> None:
    batcher, user = MicroBatcher(), recommender.first_user

    async def run() -> RankedItems:
        return await batcher.run(recommender.recommend_steps(user, QueryOptions(3)))

    assert asyncio.run(run()) == recommender.recommend(user, QueryOptions(3))


def test_a_request_that_waits_otherwise_becomes_a_task_with_its_context(
    recommender: RecordingRecommender,
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
        request_to(batcher, recommender, other, 2, answers),
        partial(slow, last),
    ]
    run_requests(begins, batcher)
    assert recommender.sizes == [1, 1, 1]
    assert answers["order"] == [user, last]
    assert (other, 2) in answers


def test_skips_requests_without_a_coroutine(recommender: RecordingRecommender) -> None:
    batcher, answers = MicroBatcher(), dict[Any, RankedItems]()
    user = recommender.first_user
    run_requests(
        [lambda: None, request_to(batcher, recommender, user, 2, answers), lambda: None], batcher
    )
    assert [*answers] == [(user, 2)]


def test_a_failed_search_does_not_affect_other_requests(recommender: RecordingRecommender) -> None:
    batcher, answers = MicroBatcher(), dict[Any, Any]()
    sound = RecordingRecommender(recommender.release)
    user = recommender.first_user
    recommender.error = SearchUnavailableError("away")
    begins = [
        request_to(batcher, recommender, user, 2, answers),
        request_to(batcher, sound, user, 3, answers),
    ]
    run_requests(begins, batcher)
    assert answers[user, 2].degraded
    assert answers[user, 3] == sound.recommend(user, QueryOptions(3))
    recommender.error = ValueError("a fault of ours")
    run_requests(begins, batcher)
    assert answers[user, 2] is recommender.error
    assert answers[user, 3] == sound.recommend(user, QueryOptions(3))
