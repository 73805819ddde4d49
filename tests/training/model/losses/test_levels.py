import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.model.losses.levels import level_gradients
from bitrecall.training.model.losses.smooth_metrics import SmoothNDCG, SmoothRecall

pytestmark = pytest.mark.slow

PSI, PHI, CUTOFFS = 3.0, 0.5, (2.0, 5.0)
OBJECTIVES = [SmoothRecall(CUTOFFS, PHI, PSI), SmoothNDCG(CUTOFFS, PHI, PSI)]


def loss_of_scores(
    scores: torch.Tensor, positives: list[int], weights: torch.Tensor, discounted: bool
) -> torch.Tensor:
    """The definition, one user, pair by pair, for scores that need not come from codes."""
    total = torch.zeros((), dtype=scores.dtype)
    for weight, i in zip(weights, positives, strict=True):
        rank = torch.ones((), dtype=scores.dtype)
        for j in range(len(scores)):
            if j != i:
                rank = rank + torch.sigmoid((scores[j] - scores[i]) / PSI)
        gain = 1 / torch.log2(1 + rank) if discounted else 1.0
        for cutoff in CUTOFFS:
            smooth = torch.sigmoid((cutoff - rank) / (PHI * cutoff))
            total = total - weight * gain * smooth / len(CUTOFFS)
    return total


@pytest.mark.parametrize("discounted", [False, True])
def test_the_definition_has_the_gradient_of_finite_differences(discounted):
    scores = torch.tensor([4.0, -2.0, 4.0, 0.0, 8.0, -8.0], dtype=torch.float64).requires_grad_()
    weights = torch.tensor([0.3, 0.7], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda s: loss_of_scores(s, [0, 3], weights, discounted), (scores,)
    )


@pytest.mark.parametrize("objective", OBJECTIVES, ids=["recall", "ndcg"])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_tables_give_the_loss_and_gradient_of_the_definition(objective, data):
    bits = data.draw(st.sampled_from([8, 16]))
    levels = data.draw(st.lists(st.integers(0, bits), min_size=2, max_size=12))
    positives = data.draw(
        st.lists(st.integers(0, len(levels) - 1), min_size=1, max_size=4, unique=True)
    )
    weights = torch.tensor([1.0 / (1 + k) for k in range(len(positives))], dtype=torch.float64)
    scores = (2 * torch.tensor(levels, dtype=torch.float64) - bits).requires_grad_()
    expected = loss_of_scores(scores, positives, weights, isinstance(objective, SmoothNDCG))
    (expected_gradient,) = torch.autograd.grad(expected, scores)

    counts = torch.zeros(1, bits + 1, dtype=torch.float64)
    weighted = torch.zeros(1, bits + 1, dtype=torch.float64)
    for level in levels:
        counts[0, level] += 1
    for weight, i in zip(weights, positives, strict=True):
        weighted[0, levels[i]] += weight
    tables = level_gradients(counts, weighted, objective)
    gradient = tables.any_item[0, levels].clone()
    for weight, i in zip(weights, positives, strict=True):
        gradient[i] += weight * tables.positive[0, levels[i]]

    assert tables.losses.item() == pytest.approx(expected.item(), abs=1e-12)
    np.testing.assert_allclose(gradient.numpy(), expected_gradient.numpy(), atol=1e-12)


def test_low_temperatures_recover_recall_at_n():
    sharp = SmoothRecall(cutoffs=(3.0,), phi=1e-4, psi=1e-3)
    # Scores 4, 2, 0, -2, -4 of one user with 4 bits, so ranks 1 to 5; the third and last are hers.
    counts = torch.ones(1, 5, dtype=torch.float64)
    positives = torch.tensor([[0.5, 0, 0.5, 0, 0]], dtype=torch.float64)
    lenient = SmoothRecall(cutoffs=(3.5,), phi=1e-4, psi=1e-3)
    assert level_gradients(counts, positives, lenient).losses.item() == pytest.approx(-0.5)
    # Exactly at the cut-off, K_φ(0) is one half.
    assert level_gradients(counts, positives, sharp).losses.item() == pytest.approx(-0.25)


def test_low_temperatures_recover_ndcg_at_n():
    # The positives are the second and the fourth of five, and the cut-off is between them.
    sharp = SmoothNDCG(cutoffs=(3.5,), phi=1e-4, psi=1e-3)
    counts = torch.ones(1, 5, dtype=torch.float64)
    ideal = 1 + 1 / math.log2(3)
    positives = torch.tensor([[0, 1, 0, 1, 0]], dtype=torch.float64) / ideal
    expected = -1 / math.log2(3) / ideal
    assert level_gradients(counts, positives, sharp).losses.item() == pytest.approx(expected)


def test_no_slope_is_subnormal():
    bits = 256
    counts, positives = torch.ones(1, bits + 1), torch.zeros(1, bits + 1)
    positives[0, 0] = 1e-3
    actual = level_gradients(counts, positives, SmoothRecall((200.0,), PHI, psi=1.5)).any_item
    slopes = actual[actual != 0].abs()
    assert 0 < len(slopes) < bits
    assert (slopes * 1e-6 > torch.finfo(torch.float32).tiny).all()
