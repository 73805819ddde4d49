import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import bitrecall.training.model.losses.packed_scores as packed_scores
import bitrecall.training.model.losses.scores as scores_module
from bitrecall.training.model.losses.pairs import Pairs, Sample
from bitrecall.training.model.losses.rank_loss import smooth_recall_loss
from bitrecall.training.model.losses.smooth_metrics import SmoothRecall

pytestmark = pytest.mark.slow

OBJECTIVE = SmoothRecall(cutoffs=(2.0, 5.0, 10.0), phi=0.5, psi=2.0)


def pairs(listed: list[tuple[int, int]]) -> Pairs:
    users = torch.tensor([user for user, _ in listed], dtype=torch.int64)
    return Pairs(users, torch.tensor([item for _, item in listed], dtype=torch.int64))


def double_loop(users, items, positives, excluded, weights) -> torch.Tensor:
    """L = −Σ w K_φ(N − rank), rank = 1 + Σ_{j≠i} K_ψ(s_j − s_i), as it is written."""
    scores = users @ items.T
    left_out = set(zip(excluded.users.tolist(), excluded.items.tolist(), strict=True))
    total = 0 * scores.sum()  # a user with nothing to rank against still has a gradient: 0
    each = zip(positives.users.tolist(), positives.items.tolist(), weights, strict=True)
    for user, item, weight in each:
        rank = torch.ones((), dtype=scores.dtype)
        for other in range(len(items)):
            if other != item and (user, other) not in left_out:
                gap = scores[user, other] - scores[user, item]
                rank = rank + torch.sigmoid(gap / OBJECTIVE.psi)
        for cutoff in OBJECTIVE.cutoffs:
            smooth = torch.sigmoid((cutoff - rank) / (OBJECTIVE.phi * cutoff))
            total = total - weight * smooth / len(OBJECTIVE.cutoffs)
    return total


def random_codes(count: int, bits: int, seed: int, copies: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 2, (count, bits), generator=generator).double() * 2 - 1
    return codes.repeat(copies, 1).requires_grad_()


@st.composite
def problems(draw):
    n_users, n_items = draw(st.integers(1, 4)), draw(st.integers(2, 9))
    bits = draw(st.sampled_from([2, 8]))  # two bits: nearly everything ties
    everything = list(itertools.product(range(n_users), range(n_items)))
    positives = draw(st.lists(st.sampled_from(everything), min_size=1, max_size=8, unique=True))
    rest = [pair for pair in everything if pair not in positives]
    excluded = draw(st.lists(st.sampled_from(rest), max_size=6, unique=True)) if rest else []
    seed = draw(st.integers(0, 2**16))
    users, items = random_codes(n_users, bits, seed), random_codes(n_items, bits, seed + 1)
    return users, items, pairs(positives), pairs(excluded)


@settings(deadline=None)
@given(problems(), st.sampled_from([1, 3, 2048]))
def test_equals_the_double_loop_in_value_and_gradient(problem, block):
    users, items, positives, excluded = problem
    weights = torch.linspace(0.1, 1, len(positives.users), dtype=torch.float64)
    expected = double_loop(users, items, positives, excluded, weights)
    expected_gradients = torch.autograd.grad(expected, (users, items))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores_module, "BLOCK_ITEMS", block)
        loss = smooth_recall_loss(users, items, positives, excluded, OBJECTIVE, weights=weights)
        gradients = torch.autograd.grad(loss, (users, items))

    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    for actual, expected_value in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(actual, expected_value, atol=1e-12)


def test_supports_ties_of_all_items():
    users, items = random_codes(1, 8, 0), random_codes(1, 8, 1, copies=6)
    items = items.detach().requires_grad_()
    positives, weights = pairs([(0, 2), (0, 3)]), torch.full((2,), 0.5, dtype=torch.float64)
    expected = double_loop(users, items, positives, pairs([]), weights)
    loss = smooth_recall_loss(users, items, positives, None, OBJECTIVE)
    # Five others at one half each: rank 3.5.
    ranks = torch.tensor([3.5], dtype=torch.float64)
    assert loss.item() == pytest.approx(-OBJECTIVE.value_and_slope(ranks)[0].item())
    for actual, expected_value in zip(
        torch.autograd.grad(loss, (users, items)),
        torch.autograd.grad(expected, (users, items)),
        strict=True,
    ):
        np.testing.assert_allclose(actual, expected_value, atol=1e-12)


def test_the_gradient_is_scaled_by_the_incoming_gradient():
    users, items = random_codes(2, 8, 3), random_codes(5, 8, 4)
    positives = pairs([(0, 1), (1, 4)])
    plain = torch.autograd.grad(
        smooth_recall_loss(users, items, positives, None, OBJECTIVE), (users, items)
    )
    tripled = torch.autograd.grad(
        3 * smooth_recall_loss(users, items, positives, None, OBJECTIVE), (users, items)
    )
    for once, thrice in zip(plain, tripled, strict=True):
        np.testing.assert_allclose(3 * once, thrice)


@pytest.mark.parametrize("packed", [True, False])
def test_float32_is_accurate_at_full_size(packed, monkeypatch):
    if not packed:
        monkeypatch.setattr(packed_scores, "loops", None)
    users = random_codes(64, 256, 5).detach().float().requires_grad_()
    items = random_codes(3000, 256, 6).detach().float().requires_grad_()
    chosen = [(user, 7 * user + k) for user in range(64) for k in range(3)]
    objective = SmoothRecall(cutoffs=(20.0, 100.0), phi=0.5, psi=3.0)
    loss = smooth_recall_loss(users, items, pairs(chosen), None, objective)
    doubled = [codes.detach().double().requires_grad_() for codes in (users, items)]
    exact = smooth_recall_loss(doubled[0], doubled[1], pairs(chosen), None, objective)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    gradients = torch.autograd.grad(loss, (users, items))
    for actual, expected_value in zip(gradients, torch.autograd.grad(exact, doubled), strict=True):
        np.testing.assert_allclose(actual, expected_value, rtol=1e-3, atol=1e-8)


class TestSampled:
    def test_a_sample_of_everything_is_the_exact_loss(self):
        users, items = random_codes(3, 8, 7), random_codes(11, 8, 8)
        positives, excluded = pairs([(0, 1), (0, 4), (2, 10)]), pairs([(0, 2), (1, 3)])
        exact = smooth_recall_loss(users, items, positives, excluded, OBJECTIVE)
        sampled = smooth_recall_loss(
            users, items, positives, excluded, OBJECTIVE, sample=Sample(0, torch.arange(11))
        )
        assert sampled.item() == pytest.approx(exact.item(), abs=1e-12)
        exact_gradients = torch.autograd.grad(exact, (users, items))
        sampled_gradients = torch.autograd.grad(sampled, (users, items))
        for actual, expected_value in zip(sampled_gradients, exact_gradients, strict=True):
            np.testing.assert_allclose(actual, expected_value, atol=1e-12)

    def test_items_outside_the_sample_get_no_gradient_unless_positive(self):
        users, items = random_codes(2, 8, 11), random_codes(9, 8, 12)
        loss = smooth_recall_loss(
            users,
            items,
            pairs([(0, 8)]),
            None,
            OBJECTIVE,
            sample=Sample(0, torch.tensor([0, 2, 3])),
        )
        (gradient,) = torch.autograd.grad(loss, items)
        reached = set(torch.nonzero(gradient.abs().sum(1)).flatten().tolist())
        assert reached <= {0, 2, 3, 8}
        assert 8 in reached
