"""Recommendations, compared with a plain reference, and the results of each kind of query."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.index.errors import FilterError, SearchUnavailableError, UnknownItemError
from bitrecall.index.recommend.catalogue import NewItems
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import History, QueryOptions
from bitrecall.index.releases.filters import Condition, ItemFilter
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import pack_signs
from tests.tools.small_release import REPEATS

from .reference import Reference

pytestmark = pytest.mark.slow

Contents = Callable[..., ReleaseContents]

USERS = ["17", "user, with comma", "Ωμέγα 🛶", "none seen", "a stranger", None]
ITEMS = [f"item {row}" for row in range(59)] + ["naïve, café ☕", "new 0", "new 1", "unknown"]
NEW = NewItems(
    ["new 0", "new 1", "new 2"],
    pack_signs(np.random.default_rng(7).standard_normal((3, 16))),
)
RECENT = {
    "17": ["item 7", "new 1", "item 0"],
    "a stranger": ["item 9", "item 9", "unknown"],
    "none seen": ["new 2"],
}


class Activity:
    """The recent interactions in ``RECENT``; one user has hidden items."""

    def interactions_of(self, user_id: str) -> list[str]:
        return RECENT.get(user_id, [])

    def hidden_items_of(self, user_id: str) -> list[str]:
        return ["item 3", "unknown"] if user_id == "hider" else []

    def is_forgotten(self, user_id: str) -> bool:
        return user_id == "all seen"


item_lists = st.lists(st.sampled_from(ITEMS), max_size=6)
tag_sets = st.frozensets(st.sampled_from(["jazz", "live", "new", "unknown"]), max_size=2)


bounds = st.none() | st.sampled_from([0.5, 3.5, 6.0])
conditions = st.sampled_from(
    [
        (),
        (("price", Condition()),),
        (("label", Condition(one_of=frozenset({"label 1", "label 2"}))),),
        (("price", Condition(one_of=frozenset({1.5, 2.5}))), ("label", Condition())),
    ]
) | st.builds(
    lambda at_least, below: (("price", Condition(at_least=at_least, below=below)),), bounds, bounds
)
filters = st.none() | st.builds(ItemFilter, tag_sets, tag_sets, tag_sets, conditions)
queries = st.builds(
    QueryOptions,
    k=st.integers(1, 70),
    exclude_seen=st.booleans(),
    exclude_items=item_lists,
    allowed=filters,
)
histories = st.none() | st.builds(History, item_lists, st.booleans())


@pytest.mark.parametrize("new", [None, NEW])
@settings(max_examples=80, deadline=None)
@given(user_id=st.sampled_from(USERS), options=queries, history=histories)
def test_results_equal_the_reference_with_all_ties(
    release: Release,
    contents: Contents,
    new: NewItems | None,
    user_id: str | None,
    options: QueryOptions,
    history: History | None,
) -> None:
    result = Recommender(release, new, Activity()).recommend(user_id, options, history)
    expected = Reference(contents(), new, RECENT).recommend(user_id, options, history)
    assert (result.item_ids, result.distances, result.source) == expected
    assert (result.user_id, result.k, result.release_id) == (user_id, options.k, release.id)
    assert result.shortfall == options.k - len(expected[0])


@settings(max_examples=150, deadline=None)
@given(user_id=st.sampled_from([*USERS, "all seen"]), history=histories)
def test_results_equal_the_reference_if_newest_items_count_more(
    ordered_release: Release, contents: Contents, user_id: str | None, history: History | None
) -> None:
    class NothingForgotten(Activity):
        def is_forgotten(self, user_id: str) -> bool:
            return False

    options = QueryOptions(70, exclude_seen=False)
    recommender = Recommender(ordered_release, NEW, NothingForgotten())
    result = recommender.recommend(user_id, options, history)
    reference = Reference(contents(recency=ordered_release.recency), NEW, RECENT)
    expected = reference.recommend(user_id, options, history)
    assert (result.item_ids, result.distances, result.source) == expected


@pytest.mark.parametrize("new", [None, NEW])
@settings(max_examples=150, deadline=None)
@given(user_id=st.sampled_from(USERS), options=queries, history=histories)
def test_own_items_get_their_places_by_the_rates(
    repeating_release: Release,
    contents: Contents,
    new: NewItems | None,
    user_id: str | None,
    options: QueryOptions,
    history: History | None,
) -> None:
    options = options._replace(explain=True)
    result = Recommender(repeating_release, new, Activity()).recommend(user_id, options, history)
    reference = Reference(contents(repeats=REPEATS), new, RECENT)
    expected = reference.recommend(user_id, options, history)
    assert (result.item_ids, result.distances, result.source) == expected
    if options.exclude_seen or result.source == "popular":
        assert result.taken is None
        return
    taken = reference.taken(user_id, history)
    assert result.taken == [
        taken.get(reference.ids.index(item_id), (0.0, 0))[1] for item_id in result.item_ids
    ]


def test_own_items_change_no_list_that_leaves_them_out(
    repeating_release: Release, release: Release
) -> None:
    for user in USERS:
        with_repeats, without = (
            Recommender(which, NEW, Activity()).recommend(user, QueryOptions(20))
            for which in (repeating_release, release)
        )
        assert with_repeats._replace(release_id="") == without._replace(release_id="")


def test_a_long_history_counts_like_a_list(repeating_release: Release) -> None:
    interactions = [f"item {number % 9 * number % 60}" for number in range(90)]

    class Long(Activity):
        def interactions_of(self, user_id: str) -> Any:
            return ItemHistory.of(interactions, repeating_release.items)

    class Short(Activity):
        def interactions_of(self, user_id: str) -> Any:
            return interactions

    options = QueryOptions(30, exclude_seen=False, explain=True)
    long, short = (
        Recommender(repeating_release, NEW, activity).recommend("17", options)
        for activity in (Long(), Short())
    )
    assert long == short
    assert long.taken is not None
    assert max(long.taken) > 3


@settings(max_examples=50, deadline=None)
@given(user_ids=st.lists(st.sampled_from(USERS), max_size=12), options=queries)
def test_several_users_get_the_same_results_as_alone(
    release: Release, repeating_release: Release, user_ids: list[str | None], options: QueryOptions
) -> None:
    for which in (release, repeating_release):
        recommender = Recommender(which, NEW, Activity())
        together = recommender.recommend_many(user_ids, options)
        assert together == [recommender.recommend(user_id, options) for user_id in user_ids]


def test_the_release_has_many_ties(contents: Contents) -> None:
    _, distances, _ = Reference(contents()).recommend("17", QueryOptions(60, exclude_seen=False))
    assert distances is not None
    assert len(set(distances)) < len(distances) / 5


@pytest.mark.parametrize(
    ("user_id", "history", "source"),
    [
        ("none seen", None, "codes"),
        ("17", None, "codes+history"),
        ("user, with comma", History(["item 4"], instead=False), "codes+history"),
        ("user, with comma", History(["item 2"], instead=False), "codes"),
        ("user, with comma", History(["item 4"]), "history"),
        ("a stranger", None, "history"),
        (None, History(["item 4"]), "history"),
        ("17", History([]), "popular"),
        (None, History(["unknown", "new 0"]), "popular"),
        ("who is this", None, "popular"),
        ("all seen", None, "popular"),
    ],
)
def test_reports_the_source_of_the_code(
    release: Release, user_id: str | None, history: History | None, source: str
) -> None:
    result = Recommender(release, NEW, Activity()).recommend(user_id, QueryOptions(3), history)
    assert result.source == source
    assert (result.distances is None) is (source == "popular")


def test_never_recommends_hidden_items(release: Release) -> None:
    recommender = Recommender(release, None, Activity())
    result = recommender.recommend("hider", QueryOptions(60, exclude_seen=False))
    assert "item 3" not in result.item_ids
    assert result.shortfall == 1


def test_similar_items_have_the_nearest_codes(release: Release, contents: Contents) -> None:
    recommender, reference = Recommender(release, NEW), Reference(contents(), NEW)
    for item in ("item 5", "new 1"):
        result = recommender.similar(item, QueryOptions(62, exclude_items=["item 6"]))
        signs = reference.signs[reference.ids.index(item)]
        distances = (reference.signs != signs).sum(axis=1)
        others = [row for row, other in enumerate(reference.ids) if other not in (item, "item 6")]
        others.sort(key=lambda row: (distances[row], row))
        assert result.item_ids == [reference.ids[row] for row in others]
        assert result.distances == distances[others].tolist()
        assert result.shortfall == 1


def test_rejects_similar_items_of_an_unknown_item(release: Release) -> None:
    with pytest.raises(UnknownItemError, match="no item 'unknown'"):
        Recommender(release).similar("unknown", QueryOptions(3))


@pytest.mark.parametrize("method", ["recommend", "similar"])
def test_rejects_a_filter_on_an_unknown_attribute(release: Release, method: str) -> None:
    options = QueryOptions(3, allowed=ItemFilter(where=(("colour", Condition()),)))
    with pytest.raises(FilterError, match="colour"):
        getattr(Recommender(release), method)("item 5", options)


def test_returns_a_catalogue_smaller_than_k_completely(contents: Contents, tmp_path: Path) -> None:
    release = ReleaseStore(tmp_path).publish(contents(seed=3))
    assert len(Recommender(release).recommend("none seen", QueryOptions(61)).item_ids) == 60


def test_explains_only_on_request(release: Release) -> None:
    recommender = Recommender(release)
    plain: Any = recommender.recommend("17", QueryOptions(3)).explanations
    explained = recommender.recommend("17", QueryOptions(3, explain=True))
    assert plain is None
    assert explained.explanations is not None
    assert [len(item) for item in explained.explanations] == [3, 3, 3]


def test_explained_codes_have_the_returned_distances(release: Release) -> None:
    recommender = Recommender(release)
    for user in ("17", "who is this"):
        result = recommender.recommend(user, QueryOptions(5, explain=True))
        assert result.item_codes is not None
        if result.code is None:
            assert result.source == "popular"
            continue
        user_code = int(result.code, 16)
        distances = [(user_code ^ int(code, 16)).bit_count() for code in result.item_codes]
        assert distances == result.distances


class UnreachableBackend:
    """A search server that does not respond."""

    is_fast = False

    def search(self, *arguments: Any) -> Any:
        raise SearchUnavailableError("unreachable")


def test_returns_popular_items_if_the_search_server_does_not_respond(
    release: Release,
) -> None:
    unreachable = Recommender(replace(release, backend=UnreachableBackend()))
    options = QueryOptions(4, exclude_items=["item 3"])
    known, stranger, *_ = unreachable.recommend_many(["17", "a stranger"], options)
    assert (known.source, known.degraded, known.distances) == ("popular", True, None)
    assert known.item_ids == ["item 2", "item 4", "item 6", "item 7"]
    assert (stranger.source, stranger.degraded) == ("popular", False)
    assert not unreachable.is_fast
    with pytest.raises(SearchUnavailableError):
        unreachable.similar("item 7", options)
