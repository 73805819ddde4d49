"""Counts of own items, and their places in a list with other items."""

from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.releases.release import Release
from bitrecall.index.releases.repeats import (
    MAX_COUNT,
    NO_OWN_ITEMS,
    OwnItems,
    Repeats,
    counts_fault,
    merged_places,
    stored_counts,
    with_later,
)
from bitrecall.index.releases.row_lists import RowLists
from tests.tools.small_release import REPEATS

RATES = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.4]), min_size=1, max_size=5)


def slow_places(repeats: Repeats, decayed: list[float], n_others: int, k: int) -> list[int]:
    """Look up the rate of each item, and sort all items."""
    keys: list[tuple[float, int, float, int]] = []
    for place, count in enumerate(decayed):
        number = max(b for b, start in enumerate(repeats.counts) if start <= count)
        keys.append((-repeats.own_rates[number], 0, -count, place))
    for other in range(n_others):
        number = max(b for b, start in enumerate(repeats.ranks) if start <= other + 1)
        place = len(decayed) + other
        keys.append((-repeats.other_rates[number], 1, other, place))
    return [place for *_, place in sorted(keys)][:k]


@given(
    own_rates=RATES,
    other_rates=RATES,
    decayed=st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.7, 2.5, 9.0]), max_size=8),
    n_others=st.integers(0, 8),
    k=st.integers(1, 20),
)
def test_lists_items_by_descending_rate(
    own_rates: list[float],
    other_rates: list[float],
    decayed: list[float],
    n_others: int,
    k: int,
) -> None:
    repeats = Repeats(
        decay=3.0,
        counts=tuple(range(len(own_rates))),
        own_rates=tuple(sorted(own_rates)),
        ranks=tuple(range(1, 2 * len(other_rates), 2)),
        other_rates=tuple(sorted(other_rates, reverse=True)),
    )
    assert repeats.fault() is None
    places = merged_places(repeats, np.array(decayed), n_others, k)
    assert places.tolist() == slow_places(repeats, decayed, n_others, k)


@given(
    sequence=st.lists(st.integers(0, 6), max_size=20),
    cut=st.integers(0, 20),
    decay=st.sampled_from([0.5, 3.0, 40.0]),
)
def test_later_interactions_count_as_if_all_were_known_at_once(
    sequence: list[int], cut: int, decay: float
) -> None:
    before = with_later(NO_OWN_ITEMS, np.array(sequence[:cut], np.int64), decay)
    after = with_later(before, np.array(sequence[cut:], np.int64), decay)
    assert after.rows.tolist() == sorted(set(sequence))
    for row, decayed, count in zip(*(part.tolist() for part in after), strict=True):
        ages = [len(sequence) - 1 - at for at, item in enumerate(sequence) if item == row]
        assert count == len(ages)
        assert decayed == pytest.approx(sum(exp(-age / decay) for age in ages))


def test_selects_items() -> None:
    own = OwnItems(np.array([2, 5]), np.array([0.5, 1.5]), np.array([3, 2]))
    assert [part.tolist() for part in own.select(np.array([False, True]))] == [[5], [1.5], [2]]


def test_a_release_has_the_counts_of_its_users(
    repeating_release: Release, release: Release
) -> None:
    assert repeating_release.repeats == REPEATS
    own = repeating_release.own_items(0)
    assert own.rows.tolist() == [0, 1, 5, 30]
    assert (own.counts >= 1).all()
    assert (own.decayed <= own.counts).all()
    assert len(repeating_release.own_items(None).rows) == 0
    assert release.repeats is None
    assert len(release.own_items(0).rows) == 0


def test_describes_the_rates() -> None:
    assert REPEATS.describe() == (
        "with exclude_seen off, own items are listed by how often they were taken (decay 4 "
        "interactions): 60.0% of those taken most were taken again, and 50.0% of the nearest "
        "other items"
    )


def test_stores_large_counts_as_the_largest() -> None:
    assert stored_counts(np.array([1, MAX_COUNT + 5])).tolist() == [1, MAX_COUNT]


def test_names_what_is_wrong_with_counts() -> None:
    seen = RowLists.from_lists([[1, 2], [3]])
    counts, decayed = np.array([1, 2, 1], np.uint16), np.array([0, 2, 0.5], np.float16)
    assert counts_fault(counts, decayed, seen) is None
    assert "counts are uint16 (2,)" in str(counts_fault(counts[1:], decayed, seen))
    assert "expected float16 (3,)" in str(counts_fault(counts, decayed.astype(float), seen))
    assert counts_fault(0 * counts, decayed, seen) == "a count is 0"
    for wrong in (-decayed, decayed * np.float16(np.nan), decayed + np.float16(1)):
        assert "a decayed count is negative or larger" in str(counts_fault(counts, wrong, seen))
