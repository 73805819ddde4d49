"""Answers against a slow, obvious reference, and what each kind of question gets."""

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
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import History, QueryOptions
from bitrecall.index.releases.filters import Condition, ItemFilter
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import pack_signs

from .reference import Reference

pytestmark = pytest.mark.slow

Contents = Callable[..., ReleaseContents]

USERS = ["17", "user, with comma", "Ωμέγα 🛶", "none seen", "a stranger", None]
ITEMS = [f"item {row}" for row in range(59)] + ["naïve, café ☕", "new 0", "new 1", "nowhere"]
NEW = NewItems(
    ["new 0", "new 1", "new 2"],
    pack_signs(np.random.default_rng(7).standard_normal((3, 16))),
)
TAKEN = {
    "17": ["item 7", "new 1", "item 0"],
    "a stranger": ["item 9", "item 9", "nowhere"],
    "none seen": ["new 2"],
}


class Fresh:
    """Fresh items as ``TAKEN`` has them; one user never wants to see an item again."""

    def interactions_of(self, user_id: str) -> list[str]:
        return TAKEN.get(user_id, [])

    def hidden_items_of(self, user_id: str) -> list[str]:
        return ["item 3", "nowhere"] if user_id == "hider" else []

    def is_forgotten(self, user_id: str) -> bool:
        return user_id == "all seen"


some_items = st.lists(st.sampled_from(ITEMS), max_size=6)
some_tags = st.frozensets(st.sampled_from(["jazz", "live", "new", "nowhere"]), max_size=2)


def bounded(least: float | None, below: float | None) -> tuple[tuple[str, Condition], ...]:
    return (("price", Condition(at_least=least, below=below)),)


bounds = st.none() | st.sampled_from([0.5, 3.5, 6.0])
conditions = st.sampled_from(
    [
        (),
        (("price", Condition()),),
        (("label", Condition(one_of=frozenset({"label 1", "label 2"}))),),
        (("price", Condition(one_of=frozenset({1.5, 2.5}))), ("label", Condition())),
    ]
) | st.builds(
    lambda least, below: (("price", Condition(at_least=least, below=below)),), bounds, bounds
)
filters = st.none() | st.builds(ItemFilter, some_tags, some_tags, some_tags, conditions)
wishes = st.builds(
    QueryOptions,
    k=st.integers(1, 70),
    exclude_seen=st.booleans(),
    exclude_items=some_items,
    allowed=filters,
)
histories = st.none() | st.builds(History, some_items, st.booleans())


@pytest.mark.parametrize("new", [None, NEW])
@settings(max_examples=80, deadline=None)
@given(user_id=st.sampled_from(USERS), wish=wishes, history=histories)
def test_answers_equal_the_reference_to_the_last_tie(
    release: Release,
    contents: Contents,
    new: NewItems | None,
    user_id: str | None,
    wish: QueryOptions,
    history: History | None,
) -> None:
    answer = Recommender(release, new, Fresh()).recommend(user_id, wish, history)
    expected = Reference(contents(), new, TAKEN).recommend(user_id, wish, history)
    assert (answer.item_ids, answer.distances, answer.source) == expected
    assert (answer.user_id, answer.k, answer.release_id) == (user_id, wish.k, release.id)
    assert answer.shortfall == wish.k - len(expected[0])


@settings(max_examples=50, deadline=None)
@given(user_ids=st.lists(st.sampled_from(USERS), max_size=12), wish=wishes)
def test_several_users_get_what_each_would_get_alone(
    release: Release, user_ids: list[str | None], wish: QueryOptions
) -> None:
    recommender = Recommender(release, NEW, Fresh())
    together = recommender.recommend_many(user_ids, wish)
    assert together == [recommender.recommend(user_id, wish) for user_id in user_ids]


def test_the_release_has_the_ties_that_these_tests_need(contents: Contents) -> None:
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
        (None, History(["nowhere", "new 0"]), "popular"),
        ("who is this", None, "popular"),
        ("all seen", None, "popular"),
    ],
)
def test_the_source_says_what_the_code_was_made_of(
    release: Release, user_id: str | None, history: History | None, source: str
) -> None:
    answer = Recommender(release, NEW, Fresh()).recommend(user_id, QueryOptions(3), history)
    assert answer.source == source
    assert (answer.distances is None) is (source == "popular")


def test_what_a_user_hid_stays_away_whatever_is_asked(release: Release) -> None:
    recommender = Recommender(release, None, Fresh())
    answer = recommender.recommend("hider", QueryOptions(60, exclude_seen=False))
    assert "item 3" not in answer.item_ids
    assert answer.shortfall == 1


def test_the_items_like_one_are_those_with_the_nearest_codes(
    release: Release, contents: Contents
) -> None:
    recommender, reference = Recommender(release, NEW), Reference(contents(), NEW)
    for item in ("item 5", "new 1"):
        answer = recommender.similar(item, QueryOptions(62, exclude_items=["item 6"]))
        signs = reference.signs[reference.ids.index(item)]
        distances = (reference.signs != signs).sum(axis=1)
        others = [row for row, one in enumerate(reference.ids) if one not in (item, "item 6")]
        others.sort(key=lambda row: (distances[row], row))
        assert answer.item_ids == [reference.ids[row] for row in others]
        assert answer.distances == distances[others].tolist()
        assert answer.shortfall == 1


def test_there_is_nothing_like_an_unknown_item(release: Release) -> None:
    with pytest.raises(UnknownItemError, match="no item 'nowhere'"):
        Recommender(release).similar("nowhere", QueryOptions(3))


@pytest.mark.parametrize("ask", ["recommend", "similar"])
def test_an_attribute_that_no_item_has_cannot_be_asked_for(release: Release, ask: str) -> None:
    wish = QueryOptions(3, allowed=ItemFilter(where=(("colour", Condition()),)))
    with pytest.raises(FilterError, match="colour"):
        getattr(Recommender(release), ask)("item 5", wish)


def test_a_catalogue_smaller_than_k_is_answered_whole(contents: Contents, tmp_path: Path) -> None:
    release = ReleaseStore(tmp_path).publish(contents(seed=3))
    assert len(Recommender(release).recommend("none seen", QueryOptions(61)).item_ids) == 60


def test_reasons_come_only_when_asked_for(release: Release) -> None:
    recommender = Recommender(release)
    plain: Any = recommender.recommend("17", QueryOptions(3)).explanations
    explained = recommender.recommend("17", QueryOptions(3, explain=True))
    assert plain is None
    assert explained.explanations is not None
    assert [len(one) for one in explained.explanations] == [3, 3, 3]


def test_an_explanation_has_the_codes_whose_distances_are_given(release: Release) -> None:
    recommender = Recommender(release)
    for user in ("17", "who is this"):
        answer = recommender.recommend(user, QueryOptions(5, explain=True))
        assert answer.item_codes is not None
        if answer.code is None:
            assert answer.source == "popular"
            continue
        own = int(answer.code, 16)
        found = [(own ^ int(code, 16)).bit_count() for code in answer.item_codes]
        assert found == answer.distances


class Away:
    """A search that does not answer."""

    is_fast = False

    def search(self, *given: Any) -> Any:
        raise SearchUnavailableError("nobody is there")


def test_while_the_search_does_not_answer_the_popular_items_stand_in(
    release: Release,
) -> None:
    away = Recommender(replace(release, backend=Away()))
    wish = QueryOptions(4, exclude_items=["item 3"])
    known, stranger, *_ = away.recommend_many(["17", "a stranger"], wish)
    assert (known.source, known.degraded, known.distances) == ("popular", True, None)
    assert known.item_ids == ["item 2", "item 4", "item 6", "item 7"]
    assert (stranger.source, stranger.degraded) == ("popular", False)
    assert not away.is_fast
    with pytest.raises(SearchUnavailableError):
        away.similar("item 7", wish)
