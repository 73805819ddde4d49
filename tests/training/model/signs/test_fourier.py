import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.model.signs.fourier import fourier_derivative, fourier_sign
from bitrecall.training.model.signs.sign import sign

widths = st.floats(0.2, 8)
terms = st.integers(1, 20)


def series(x: torch.Tensor, n: int, width: float) -> torch.Tensor:
    """(4/π) Σ sin(πix/w)/i over the first n odd i."""
    each = [torch.sin(math.pi * i * x / width) / i for i in range(1, 2 * n, 2)]
    return 4 / math.pi * torch.stack(each).sum(0)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=20), terms, widths)
def test_the_closed_form_is_the_derivative_of_the_series(values, n, width):
    x = torch.tensor(values, dtype=torch.float64).requires_grad_()
    (expected,) = torch.autograd.grad(series(x, n, width).sum(), x)
    actual = fourier_derivative(x.detach(), terms=n, half_period=width)
    np.testing.assert_allclose(actual, expected, atol=1e-9 * n * n / width)


@given(st.integers(-5, 5), terms, widths)
def test_the_slope_is_the_limit_if_both_sines_are_zero(turns, n, width):
    x = torch.tensor([turns * width], dtype=torch.float64)
    actual = fourier_derivative(x, terms=n, half_period=width).item()
    assert math.isclose(actual, (-1) ** turns * 4 * n / width, rel_tol=1e-9)


def test_float32_is_accurate_with_many_terms():
    x = torch.linspace(-4, 4, 2001)
    actual = fourier_derivative(x, terms=64, half_period=5.0)
    exact = fourier_derivative(x.double(), terms=64, half_period=5.0)
    np.testing.assert_allclose(actual, exact, atol=1e-3)


def test_many_terms_come_close_to_the_sign_inside_the_period():
    x = torch.tensor([-4.5, -1.0, -0.2, 0.2, 1.0, 4.5], dtype=torch.float64)
    np.testing.assert_allclose(series(x, 2000, 5.0), sign(x), atol=1e-2)


def test_forward_is_the_sign_and_backward_the_derivative_of_the_series():
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5], dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    codes = fourier_sign(x, terms=3, half_period=4.0)
    assert codes.tolist() == [-1, -1, 1, 1]
    (gradient,) = torch.autograd.grad((codes * weights).sum(), x)
    slope = fourier_derivative(x.detach(), terms=3, half_period=4.0)
    np.testing.assert_allclose(gradient, weights * slope)


def test_a_bound_gives_the_gradient_of_bgchs_code():
    x = torch.linspace(-3, 3, 61, dtype=torch.float64).requires_grad_()
    frequency, harmonics = 1.0, 20  # the defaults there
    expected = sum(
        4.0 * frequency / math.pi * torch.cos(i * frequency * x.detach())
        for i in range(1, harmonics, 2)
    ).clamp(-1, 1)
    codes = fourier_sign(x, terms=harmonics // 2, half_period=math.pi / frequency, bound=1.0)
    (gradient,) = torch.autograd.grad(codes.sum(), x)
    np.testing.assert_allclose(gradient, expected, atol=1e-12)
    assert gradient.max() == 1
