import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.model.pair_scores import bpr_loss, pair_scores, reconstruction_loss


def drawn(users: int, items: int, pairs: int, columns: int, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(users, 5, generator=generator),
        torch.randn(items, 5, generator=generator),
        torch.randint(users, (pairs,), generator=generator),
        torch.randint(items, (pairs, columns), generator=generator),
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 30), st.integers(1, 3))
def test_scores_and_gradients_are_those_of_the_plain_product(users, items, pairs, columns):
    of_users, of_items, rows, chosen = drawn(users, items, pairs, columns)
    weights = torch.randn(pairs, columns, generator=torch.Generator().manual_seed(1))
    gradients = []
    for score in (
        pair_scores,
        lambda u, i, rows, chosen: (u[rows][:, None] * i[chosen]).sum(2),
    ):
        u, i = of_users.clone().requires_grad_(), of_items.clone().requires_grad_()
        scores = score(u, i, rows, chosen)
        (scores * weights).sum().backward()
        gradients.append((scores.detach(), u.grad, i.grad))
    for actual, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_more_pairs_than_one_chunk_score_the_same():
    users, items, rows, columns = drawn(11, 13, 9000, 2)
    expected = (users[rows][:, None] * items[columns]).sum(2)
    np.testing.assert_allclose(
        pair_scores(users, items, rows, columns), expected, rtol=1e-4, atol=1e-5
    )


SCORES = [[2.0, -1.0, 0.5], [-0.5, 3.0, 0.0]]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_bpr_is_the_mean_of_minus_log_sigma_of_the_differences():
    terms = [-math.log(sigmoid(p - n)) for p, *negatives in SCORES for n in negatives]
    assert bpr_loss(torch.tensor(SCORES)).item() == pytest.approx(sum(terms) / len(terms))


def test_reconstruction_is_the_cross_entropy_with_the_graph():
    terms = [-math.log(sigmoid(p)) for p, *_ in SCORES]
    terms += [-math.log(1 - sigmoid(n)) for _, *negatives in SCORES for n in negatives]
    assert reconstruction_loss(torch.tensor(SCORES)).item() == pytest.approx(
        sum(terms) / len(terms)
    )


@pytest.mark.parametrize("loss", [bpr_loss, reconstruction_loss])
def test_large_scores_neither_overflow_nor_lose_their_gradient(loss):
    scores = torch.tensor([[-500.0, 500.0]], requires_grad=True)
    loss(scores).backward()
    assert torch.isfinite(scores.grad).all()
    assert bool((scores.grad.abs() > 0.1).all())


@pytest.mark.parametrize("loss", [bpr_loss, reconstruction_loss])
def test_gradients_match_finite_differences(loss):
    scores = torch.tensor(SCORES, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (scores,))
