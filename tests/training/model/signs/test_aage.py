import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.model.signs.aage import sign_swish, sign_swish_derivative
from bitrecall.training.model.signs.sign import sign

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(finite, min_size=1, max_size=20), st.floats(0.05, 50))
def test_the_closed_form_is_the_derivative_of_sign_swish(values, beta):
    x = torch.tensor(values, dtype=torch.float64).requires_grad_()
    (expected,) = torch.autograd.grad(sign_swish(x, beta).sum(), x)
    actual = sign_swish_derivative(x.detach(), beta)
    np.testing.assert_allclose(actual, expected, atol=1e-9 * beta)


def test_the_derivative_agrees_with_finite_differences():
    x = torch.linspace(-5, 5, 101, dtype=torch.float64)
    step = 1e-6
    slope = (sign_swish(x + step, 1.7) - sign_swish(x - step, 1.7)) / (2 * step)
    np.testing.assert_allclose(sign_swish_derivative(x, 1.7), slope, atol=1e-8)


def test_the_derivative_does_not_overflow_in_float32():
    x = torch.tensor([-1e30, -200.0, 0.0, 200.0, 1e30])
    slope = sign_swish_derivative(x, 10.0)
    assert torch.isfinite(slope).all()
    assert slope[2] == 10.0
    np.testing.assert_allclose(slope[[0, 1, 3, 4]], 0, atol=1e-20)


def test_sign_swish_tends_to_the_sign():
    x = torch.tensor([-0.3, -0.01, 0.01, 0.3], dtype=torch.float64)
    np.testing.assert_allclose(sign_swish(x, 1e4), sign(x), atol=1e-12)
