"""Weights of a user's items: the factors of their messages in the sum behind the code."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest

from bitrecall.index.fold_in.item_weights import item_weights
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.release import Release
from tests.tools.small_release import RECENCY


def with_recency(release: Release, recency: Recency | None) -> Release:
    return replace(release, manifest=replace(release.manifest, recency=recency))


def ages_of_user(release: Release, user: int) -> dict[int, int]:
    assert release.seen_ages is not None
    begin, seen = release.seen.indptr[user], release.seen[user].tolist()
    ages = release.seen_ages[begin : begin + len(seen)].tolist()
    return dict(zip(seen, ages, strict=True))


def weight(age: int, decay: float) -> float:
    return round(4096 * exp(-age / decay)) / 4096


def check(result: tuple[np.ndarray, np.ndarray] | None, factors: dict[int, float]) -> None:
    assert result is not None
    rows, weights = result
    factors = {row: factor for row, factor in sorted(factors.items()) if factor > 0}
    assert rows.tolist() == list(factors)
    largest = max(factors.values())
    assert weights.tolist() == pytest.approx([factor / largest for factor in factors.values()])


def test_items_of_an_unknown_user_weigh_by_age(ordered_release: Release) -> None:
    items = np.array([9, 4, 61, 9, 40])
    expected = {40: 1.0, 9: weight(1, 4.0), 4: weight(2, 4.0)}
    check(item_weights(ordered_release, None, items), expected)


def test_items_without_a_weight_are_left_out(ordered_release: Release) -> None:
    result = item_weights(ordered_release, None, np.arange(60))
    assert result is not None
    assert result[0].tolist() == list(range(60 - 37, 60))


@pytest.mark.parametrize("fresh", [[], [50, 12, 55], [12, 30]])
def test_items_of_a_known_user_count_in_the_sum_and_by_age(
    ordered_release: Release, fresh: list[int]
) -> None:
    user, messages = 2, ordered_release.fold_in_messages.astype(float)
    trained = sorted(ages_of_user(ordered_release, user).items(), key=lambda item: -item[1])
    newest_first = list(dict.fromkeys([*(item for item, _ in trained), *fresh][::-1]))
    by_age = {item: weight(age, RECENCY.decay) for age, item in enumerate(newest_first)}
    seen, unseen = ordered_release.seen[user].tolist(), sorted(set(fresh) - {i for i, _ in trained})
    total = messages[seen].sum(axis=0)
    if unseen:
        embedding = ordered_release.user_embeddings[user].astype(float)
        scaled = embedding * (np.abs(total).mean() / np.abs(embedding).mean())
        total = scaled + messages[unseen].sum(axis=0)
    recent = sum(factor * messages[item] for item, factor in by_age.items())
    strength = RECENCY.fresh_strength if fresh else RECENCY.known_strength
    factors = {
        item: 1 / np.abs(total).mean() + strength * factor / np.abs(recent).mean()
        for item, factor in by_age.items()
    }
    check(item_weights(ordered_release, user, np.array(fresh, np.int64)), factors)


@pytest.mark.parametrize("user", [None, 2])
def test_without_recency_all_items_count_alike(release: Release, user: int | None) -> None:
    assert item_weights(release, user, np.array([9, 4])) is None


def test_without_an_effect_all_items_count_alike(ordered_release: Release) -> None:
    items = np.array([9, 4])
    history = with_recency(ordered_release, Recency(1.0, 0.0, 0.0, 8.0))
    assert item_weights(history, 2, items) is None
    fresh = with_recency(ordered_release, Recency(1.0, 0.0, 1.0))
    assert item_weights(fresh, None, items) is None
    assert item_weights(fresh, 2, items[:0]) is None
    assert item_weights(fresh, 2, items) is not None


def test_a_user_without_items_has_no_weights(ordered_release: Release) -> None:
    assert item_weights(ordered_release, 4, np.empty(0, np.int64)) is None
    rows, weights = item_weights(ordered_release, None, np.array([61])) or (None, None)
    assert rows is not None
    assert rows.size == weights.size == 0
