import math
from typing import Any

import numpy as np
import pytest
import torch

from bitrecall.training.model.losses.smooth_metrics import SmoothNDCG, SmoothRecall

CUTOFFS = (2.0, 5.0)
OBJECTIVES: dict[str, Any] = {
    "recall": SmoothRecall(CUTOFFS, phi=0.5, psi=3.0),
    "ndcg": SmoothNDCG(CUTOFFS, phi=0.5, psi=3.0),
    "ndcg without a cut-off": SmoothNDCG((), phi=0.5, psi=3.0),
}


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())
def test_the_slope_is_minus_the_derivative_of_the_value(objective):
    ranks = torch.linspace(0.5, 40, 50, dtype=torch.float64)
    step = 1e-6
    _, slope = objective.value_and_slope(ranks)
    above, _ = objective.value_and_slope(ranks + step)
    below, _ = objective.value_and_slope(ranks - step)
    np.testing.assert_allclose((below - above) / (2 * step), slope, atol=1e-8)
    assert (slope >= 0).all()


def test_recall_is_the_mean_over_cutoffs_of_a_smooth_step():
    value, _ = OBJECTIVES["recall"].value_and_slope(torch.tensor([2.0], dtype=torch.float64))
    assert value.item() == pytest.approx((0.5 + 1 / (1 + math.exp(-3 / 2.5))) / 2)


def test_ndcg_is_recall_with_a_logarithmic_discount():
    ranks = torch.tensor([1.0, 3.0, 7.0], dtype=torch.float64)
    recall, _ = OBJECTIVES["recall"].value_and_slope(ranks)
    value, _ = OBJECTIVES["ndcg"].value_and_slope(ranks)
    np.testing.assert_allclose(value, recall / torch.tensor([1.0, 2.0, 3.0]))


def test_uses_the_whole_ranking_without_a_cutoff():
    ranks = torch.tensor([1.0, 3.0, 1023.0], dtype=torch.float64)
    value, _ = OBJECTIVES["ndcg without a cut-off"].value_and_slope(ranks)
    np.testing.assert_allclose(value, [1, 0.5, 0.1])
