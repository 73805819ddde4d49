from collections.abc import Callable

import pytest

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import History, QueryOptions, RankedItems
from bitrecall.index.releases.filters import Condition, ItemFilter
from bitrecall.index.releases.release import Release
from bitrecall.service.releases.warmup import MAX_QUERIES, WarmupQueries


class Asked(Recommender):
    """A recommender that remembers what it was asked."""

    def __init__(self, release: Release) -> None:
        super().__init__(release)
        self.warmup_queries: list[tuple[object, ...]] = []

    def recommend(self, *question: object) -> RankedItems:
        self.warmup_queries.append(question)
        return super().recommend(*question)  # type: ignore[arg-type]


def test_the_latest_questions_are_asked_again(release: Release) -> None:
    recent, recommender = WarmupQueries(), Asked(release)
    for number in range(MAX_QUERIES + 10):
        recent.keep((f"user {number}", QueryOptions(number + 1), History(["item 1"])))
    asked = recent.replay(recommender)
    assert asked == len(recommender.warmup_queries) == MAX_QUERIES + release.n_users
    names = {question[0] for question in recommender.warmup_queries}
    assert {"17", "user 10", f"user {MAX_QUERIES + 9}"} <= names
    assert "user 9" not in names


def test_an_attribute_that_is_no_longer_there_does_no_harm(release: Release) -> None:
    recent = WarmupQueries()
    recent.keep(("17", QueryOptions(3, allowed=ItemFilter(where=(("colour", Condition()),))), None))
    recent.replay(Recommender(release))


def test_a_question_that_fails_is_heard_of(release: Release) -> None:
    class Broken(Recommender):
        def recommend(self, *question: object) -> RankedItems:
            raise ZeroDivisionError

    recent: Callable[[Recommender], int] = WarmupQueries().replay
    with pytest.raises(ZeroDivisionError):
        recent(Broken(release))
