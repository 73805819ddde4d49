"""Weights by age, sums of recent items, and the codes that lean on them."""

from math import exp, inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.releases.recency import (
    MAX_AGE,
    Recency,
    age_weights,
    ages_fault,
    decayed_sum,
    lean,
    leaning_codes,
    stored_ages,
)
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.row_lists import RowLists


@given(decay=st.floats(0.01, 1000))
def test_weights_fall_exponentially_in_steps_that_sum_exactly(decay: float) -> None:
    weights = age_weights(decay)
    assert weights[0] == 1
    for age, weight in enumerate(weights.tolist()):
        assert abs(weight - exp(-age / decay)) <= 2**-13
    assert (weights * 4096 == np.rint(weights * 4096)).all()
    assert (weights > 0).all()
    assert exp(-len(weights) / decay) < 2**-12
    assert not weights.flags.writeable


def test_sums_messages_by_age_and_leaves_out_old_items() -> None:
    messages = np.random.default_rng(0).standard_normal((50, 16)).astype(np.float16)
    items, ages = np.array([3, 40, 7]), np.array([1, 30, 0], np.uint16)
    expected = messages[7].astype(float) + round(4096 * exp(-0.5)) / 4096 * messages[3].astype(
        float
    )
    assert decayed_sum(messages, items, ages, 2.0).tolist() == expected.tolist()
    assert not decayed_sum(messages, items[:0], ages[:0], 2.0).any()


def test_leans_by_the_ratio_of_mean_magnitudes() -> None:
    embeddings = np.array([[4.0, -4.0], [4.0, -4.0], [0.0, 0.0]])
    recent = np.array([[-1.0, -3.0], [0.0, 0.0], [-1.0, -3.0]])
    expected = [[1 - 0.25, -1 - 0.75], [1, -1], [-0.25, -0.75]]
    assert lean(embeddings, recent, 0.5).tolist() == expected


def test_published_codes_lean_on_the_newest_items(ordered_release: Release) -> None:
    release = ordered_release
    recency, ages = release.recency, release.seen_ages
    assert recency is not None
    assert ages is not None
    differing = 0
    for user in range(release.n_users):
        embedding = release.user_embeddings[user].astype(float)
        recent = np.zeros(16)
        begin = release.seen.indptr[user]
        for place, item in enumerate(release.seen[user].tolist()):
            weight = round(4096 * exp(-int(ages[begin + place]) / recency.decay)) / 4096
            recent = recent + weight * release.fold_in_messages[item].astype(float)
        expected = embedding / np.abs(embedding).mean()
        if recent.any():
            expected = expected + recency.known_strength * (recent / np.abs(recent).mean())
        code = np.packbits(expected >= 0, bitorder="little")
        assert release.user_code(user)[0].tolist() == code.tolist()
        differing += code.tolist() != np.packbits(embedding >= 0, bitorder="little").tolist()
    assert differing


def test_stored_embeddings_are_the_trained_ones(ordered_release: Release, release: Release) -> None:
    assert np.array_equal(ordered_release.user_embeddings, release.user_embeddings)
    assert release.leaning_codes is None
    codes = np.packbits(release.user_embeddings >= 0, axis=1, bitorder="little")
    assert np.array_equal(release.user_codes(np.arange(5)), codes)


def test_codes_without_strength_are_the_signs() -> None:
    generator = np.random.default_rng(0)
    embeddings, messages = generator.standard_normal((2, 3, 8))
    seen = RowLists.from_lists([[0], [1, 2], []])
    codes = leaning_codes(embeddings, messages, seen, np.array([0, 1, 0]), Recency())
    assert np.array_equal(codes, np.packbits(embeddings >= 0, axis=1, bitorder="little"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decay": 0.0}, "decay is 0"),
        ({"decay": inf}, "decay is inf"),
        ({"decay": 1e6}, "at most 1000"),
        ({"known_strength": -1.0}, "known_strength is -1"),
        ({"known_strength": 2.0, "fresh_strength": 1.0}, "at least known_strength"),
        ({"fresh_strength": nan}, "fresh_strength is nan"),
        ({"fresh_strength": 101.0}, "from 0 to 100"),
        ({"history_decay": -1.0}, "history_decay is -1"),
        ({"decay": "2"}, "expected a number"),
    ],
)
def test_names_an_invalid_value(values: dict[str, Any], message: str) -> None:
    assert message in str(Recency(**values).fault())


def test_accepts_valid_values() -> None:
    assert Recency().fault() is None
    assert Recency(2, 0.5, 1, 8.0).fault() is None


def test_stores_large_ages_as_the_largest() -> None:
    assert stored_ages(np.array([0, MAX_AGE, MAX_AGE + 5])).tolist() == [0, MAX_AGE, MAX_AGE]


def test_an_age_is_below_the_number_of_items() -> None:
    seen = RowLists.from_lists([[], [4], [0, 1, 2], []])
    assert ages_fault(np.array([0, 2, 0, 2], np.uint16), seen) is None
    assert ages_fault(np.array([1, 2, 0, 2], np.uint16), seen) is not None
    assert ages_fault(np.array([0, 2, 3, 2], np.uint16), seen) is not None
    assert ages_fault(np.zeros(0, np.uint16), RowLists.from_lists([[]])) is None
