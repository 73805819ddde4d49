import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.model.losses.bpr import bpr_loss, draw_absent
from bitrecall.training.model.losses.candidates import taken_pairs
from bitrecall.training.model.losses.pairs import Pairs


def pairs(listed: list[tuple[int, int]]) -> Pairs:
    users = torch.tensor([user for user, _ in listed], dtype=torch.int64)
    return Pairs(users, torch.tensor([item for _, item in listed], dtype=torch.int64))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_rows(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 4, generator=seeded(seed), dtype=torch.float64).requires_grad_()


@st.composite
def problems(draw):
    n_users, n_items = draw(st.integers(1, 4)), draw(st.integers(2, 9))
    everything = list(itertools.product(range(n_users), range(n_items)))
    positives = draw(st.lists(st.sampled_from(everything), min_size=1, max_size=8, unique=True))
    rest = [pair for pair in everything if pair not in positives]
    excluded = draw(st.lists(st.sampled_from(rest), max_size=8, unique=True)) if rest else []
    return n_users, n_items, positives, excluded


def lacking_something(n_items, positives, excluded) -> list[int]:
    """Positions of the positives whose user has not every item."""
    counts = Counter(user for user, _ in positives + excluded)
    return [k for k, (user, _) in enumerate(positives) if counts[user] < n_items]


@settings(deadline=None, max_examples=50)
@given(problems(), st.integers(1, 4), st.integers(0, 99))
def test_draws_items_that_the_user_does_not_have(problem, count, seed):
    n_users, n_items, positives, excluded = problem
    taken = set(positives + excluded)
    kept = lacking_something(n_items, positives, excluded)
    users = torch.tensor([positives[k][0] for k in kept], dtype=torch.int64)
    drawn = draw_absent(users, pairs(positives + excluded), n_users, n_items, count, seeded(seed))
    assert drawn.shape == (len(kept), count)
    for user, items in zip(users.tolist(), drawn.tolist(), strict=True):
        for item in items:
            assert 0 <= item < n_items
            assert (user, item) not in taken


def test_draws_uniformly_from_items_that_the_user_does_not_have():
    taken = pairs([(0, 3), (1, 0), (0, 0), (0, 4), (1, 6)])
    draws = 60_000
    drawn = draw_absent(torch.tensor([0, 1]), taken, 2, 7, draws, seeded())
    for row, lacked in zip(drawn, ([1, 2, 5, 6], [1, 2, 3, 4, 5]), strict=True):
        counts = torch.bincount(row, minlength=7)
        assert torch.nonzero(counts).flatten().tolist() == lacked
        # Seven standard deviations of a binomial share.
        spread = 7 * math.sqrt(1 / len(lacked) / draws)
        np.testing.assert_allclose(counts[lacked] / draws, 1 / len(lacked), atol=spread)


@settings(deadline=None, max_examples=50)
@given(problems(), st.integers(1, 3), st.floats(0.3, 8), st.integers(0, 99))
def test_equals_the_definition_in_value_and_gradient(problem, count, temperature, seed):
    n_users, n_items, positives, excluded = problem
    users, items = random_rows(n_users, seed), random_rows(n_items, seed + 1)
    weights = torch.arange(1.0, len(positives) + 1, dtype=torch.float64)
    weights = weights / weights.sum()
    kept = lacking_something(n_items, positives, excluded)
    drawn = draw_absent(
        torch.tensor([positives[k][0] for k in kept], dtype=torch.int64),
        taken_pairs(pairs(positives), pairs(excluded)),
        n_users,
        n_items,
        count,
        seeded(seed),
    )
    expected = 0 * (users.sum() + items.sum())
    for k, negatives in zip(kept, drawn.tolist(), strict=True):
        user, item = positives[k]
        for negative in negatives:
            gap = users[user] @ (items[item] - items[negative]) / temperature
            expected = expected - weights[k] * torch.log(torch.sigmoid(gap)) / count
    loss = bpr_loss(
        users,
        items,
        pairs(positives),
        pairs(excluded),
        temperature,
        negatives=count,
        generator=seeded(seed),
        weights=weights,
    )
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    for actual, expected_value in zip(
        torch.autograd.grad(loss, (users, items)),
        torch.autograd.grad(expected, (users, items)),
        strict=True,
    ):
        np.testing.assert_allclose(actual, expected_value, atol=1e-12)


def test_the_gradient_is_that_of_finite_differences():
    users, items = random_rows(2, 0), random_rows(4, 1)
    positives, excluded = pairs([(0, 1), (0, 3), (1, 2)]), pairs([(0, 2), (1, 0)])
    assert torch.autograd.gradcheck(
        lambda u, i: bpr_loss(u, i, positives, excluded, 0.7, negatives=3, generator=seeded()),
        (users, items),
    )


def test_each_positive_counts_the_same_by_default_and_ties_cost_a_bit():
    users, items = torch.ones(2, 8), torch.ones(5, 8)
    positives = pairs([(0, 1), (0, 2), (1, 4)])
    loss = bpr_loss(users, items, positives, None, 1.0, negatives=2, generator=seeded())
    assert loss.item() == pytest.approx(math.log(2))


def test_a_user_who_has_all_items_adds_nothing():
    users, items = random_rows(1, 2), random_rows(2, 3)
    loss = bpr_loss(
        users, items, pairs([(0, 0)]), pairs([(0, 1)]), 1.0, negatives=2, generator=seeded()
    )
    assert loss.item() == 0
    assert (torch.autograd.grad(loss, users)[0] == 0).all()
