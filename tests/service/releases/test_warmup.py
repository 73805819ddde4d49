from collections.abc import Callable

import pytest

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import History, QueryOptions, RankedItems
from bitrecall.index.releases.filters import Condition, ItemFilter
from bitrecall.index.releases.release import Release
from bitrecall.service.releases.warmup import MAX_QUERIES, WarmupQueries


class RecordingRecommender(Recommender):
    """A recommender that records its queries."""

    def __init__(self, release: Release) -> None:
        super().__init__(release)
        self.queries: list[tuple[object, ...]] = []

    def recommend(self, *query: object) -> RankedItems:
        self.queries.append(query)
        return super().recommend(*query)  # type: ignore[arg-type]


def test_replays_the_latest_queries(release: Release) -> None:
    recent, recommender = WarmupQueries(), RecordingRecommender(release)
    for number in range(MAX_QUERIES + 10):
        recent.add((f"user {number}", QueryOptions(number + 1), History(["item 1"])))
    count = recent.replay(recommender)
    assert count == len(recommender.queries) == MAX_QUERIES + release.n_users
    names = {query[0] for query in recommender.queries}
    assert {"17", "user 10", f"user {MAX_QUERIES + 9}"} <= names
    assert "user 9" not in names


def test_skips_queries_with_a_missing_attribute(release: Release) -> None:
    recent = WarmupQueries()
    recent.add(("17", QueryOptions(3, allowed=ItemFilter(where=(("colour", Condition()),))), None))
    recent.replay(Recommender(release))


def test_raises_if_a_query_fails(release: Release) -> None:
    class Broken(Recommender):
        def recommend(self, *query: object) -> RankedItems:
            raise ZeroDivisionError

    recent: Callable[[Recommender], int] = WarmupQueries().replay
    with pytest.raises(ZeroDivisionError):
        recent(Broken(release))
