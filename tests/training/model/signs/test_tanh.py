import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.model.signs.sign import sign
from bitrecall.training.model.signs.tanh import annealed_slope, tanh_derivative, tanh_relaxation


@given(
    st.lists(st.floats(-50, 50, allow_subnormal=False), min_size=1, max_size=20),
    st.floats(0.05, 50),
)
def test_the_derivative_is_that_of_the_relaxation(values, beta):
    x = torch.tensor(values, dtype=torch.float64).requires_grad_()
    (expected,) = torch.autograd.grad(tanh_relaxation(x, beta).sum(), x)
    np.testing.assert_allclose(tanh_derivative(x.detach(), beta), expected, atol=1e-12)


def test_the_relaxation_agrees_with_finite_differences():
    x = torch.linspace(-3, 3, 40, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda values: tanh_relaxation(values, 1.7), (x,))


def test_a_steep_relaxation_is_the_sign():
    x = torch.tensor([-0.3, -0.01, 0.01, 0.3], dtype=torch.float64)
    np.testing.assert_allclose(tanh_relaxation(x, 1e4), sign(x), atol=1e-12)


def test_the_slope_grows_by_equal_ratios_from_its_start_to_its_end():
    slopes = [annealed_slope(0.5, 8.0, progress) for progress in (0, 0.25, 0.5, 0.75, 1)]
    assert slopes == pytest.approx([0.5, 1, 2, 4, 8])
