"""Codes of known users with fresh items, compared with a slow reference."""

from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.index.errors import SearchError
from bitrecall.index.fold_in.fresh_items import extended_codes, later_items, recent_sum
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.release import Release

item_lists = st.lists(st.integers(0, 59), min_size=1, max_size=70)


def ages_by_hand(release: Release, user: int, fresh: list[int]) -> dict[int, int]:
    """Return the age of each of a user's items: training items in their order, then fresh ones."""
    assert release.seen_ages is not None
    begin, seen = release.seen.indptr[user], release.seen[user].tolist()
    ages = release.seen_ages[begin : begin + len(seen)].tolist()
    oldest_first = [item for _, item in sorted(zip(ages, seen, strict=True), reverse=True)]
    newest_first = dict.fromkeys([*oldest_first, *fresh][::-1])
    return {item: age for age, item in enumerate(newest_first)}


@settings(max_examples=200, deadline=None)
@given(user=st.integers(0, 4), fresh=item_lists, decay=st.sampled_from([0.5, 1.5, 20.0]))
def test_sums_all_items_by_age_with_fresh_items_first(
    ordered_release: Release, user: int, fresh: list[int], decay: float
) -> None:
    expected = np.zeros(16)
    for item, age in ages_by_hand(ordered_release, user, fresh).items():
        weight = round(4096 * exp(-age / decay)) / 4096
        expected = expected + weight * ordered_release.fold_in_messages[item].astype(float)
    total = recent_sum(ordered_release, user, np.array(fresh), decay)
    np.testing.assert_allclose(total, expected, rtol=0, atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(user=st.integers(0, 4), fresh=item_lists)
def test_without_strength_nothing_depends_on_order(
    ordered_release: Release, release: Release, user: int, fresh: list[int]
) -> None:
    items, rows = np.array(fresh), np.array([user])
    expected = extended_codes(release, rows, [items])
    recency = Recency(decay=2.0)
    assert np.array_equal(extended_codes(release, rows, [items[::-1]]), expected)
    ordered = extended_codes(ordered_release, rows, [items], recency=recency)
    assert np.array_equal(ordered, expected)


def test_a_training_item_taken_again_becomes_the_newest(ordered_release: Release) -> None:
    ages = np.array([2, 0, 1])
    fresh = np.array([50, 8])
    assert later_items(np.array([5, 8, 9]), ages, fresh).tolist() == [3, 2, 2]
    release, rows = ordered_release, np.array([2])
    assert release.recency is not None
    taken_again = release.seen[2][[0]]
    codes = [
        extended_codes(release, rows, [items], recency=release.recency)
        for items in (taken_again, taken_again[:0])
    ]
    assert not np.array_equal(*codes)


def test_equal_ages_are_counted_alike() -> None:
    assert later_items(np.array([1, 2, 3]), np.array([0, 0, 2]), np.array([9])).tolist() == [
        1,
        1,
        3,
    ]


def test_without_ages_only_fresh_items_are_summed(release: Release) -> None:
    total = recent_sum(release, 2, np.array([50]), 1.0)
    assert total.tolist() == release.fold_in_messages[50].astype(float).tolist()


@pytest.mark.parametrize(("user", "item"), [(5, 1), (-1, 1), (0, 60), (0, -1)])
def test_rejects_unknown_rows(ordered_release: Release, user: int, item: int) -> None:
    with pytest.raises(SearchError):
        extended_codes(
            ordered_release, np.array([user]), [np.array([item])], recency=ordered_release.recency
        )
