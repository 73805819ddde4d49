import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import bitrecall.training.model.signs.rows as module
from bitrecall.training.model.signs.aage import sign_swish, sign_swish_derivative
from bitrecall.training.model.signs.rows import sign_of_rows, unit_magnitude
from bitrecall.training.model.signs.sign import sign, sign_with_slope

entries = st.floats(-100, 100, allow_subnormal=False)
shapes = st.tuples(st.integers(1, 7), st.integers(1, 5))


def slope(x):
    return sign_swish_derivative(x, 1.7)


@st.composite
def problems(draw):
    rows, columns = draw(shapes)
    count = rows * columns
    made = [
        torch.tensor(draw(st.lists(entries, min_size=count, max_size=count)), dtype=torch.float64)
        for _ in range(2)
    ]
    return [values.reshape(rows, columns) for values in made]


@given(problems(), st.sampled_from([1, 6, 65_536]))
def test_equals_the_two_separate_steps(problem, at_once):
    values, weights = problem
    actual = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ENTRIES", at_once)
        for codes_of in (
            lambda x: sign_of_rows(x, slope),
            lambda x: sign_with_slope(unit_magnitude(x), slope),
        ):
            x = values.clone().requires_grad_()
            codes = codes_of(x)
            (gradient,) = torch.autograd.grad((codes * weights).sum(), x)
            actual.append((codes.detach(), gradient))
    (codes, gradient), (expected_codes, expected) = actual
    assert torch.equal(codes, expected_codes)
    assert torch.equal(codes, sign(values))
    least = values.abs().mean(dim=1).clamp(min=1e-12).min()
    tolerance = 1e-12 * (1 + weights.abs().max()) / least
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=tolerance)


def test_the_gradient_is_that_of_the_surrogate():
    x = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weights = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)

    def relaxed(values):
        return (sign_swish(unit_magnitude(values), 1.7) * weights).sum()

    step = 1e-6
    expected = torch.zeros_like(x)
    for entry in range(x.numel()):
        moved = torch.zeros(x.numel(), dtype=x.dtype)
        moved[entry] = step
        moved = moved.reshape(x.shape)
        expected.view(-1)[entry] = (relaxed(x + moved) - relaxed(x - moved)) / (2 * step)
    x.requires_grad_()
    (actual,) = torch.autograd.grad((sign_of_rows(x, slope) * weights).sum(), x)
    np.testing.assert_allclose(actual, expected, atol=1e-8)


def test_a_slope_may_return_any_tensor_of_its_shape():
    x = torch.tensor([[1.0, -3.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(sign_of_rows(x, torch.ones_like).sum(), x)
    # y = x/2; dL/dx = (1 − mean(y)·sgn(x)) / 2.
    assert gradient.tolist() == [[0.75, 0.25]]


def test_unit_magnitude_keeps_signs_and_survives_zeros():
    rows = torch.tensor([[1.0, -3.0], [0.0, 0.0], [1e-9, 1e-9]])
    scaled = unit_magnitude(rows)
    assert scaled[0].tolist() == [0.5, -1.5]
    assert scaled[1].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(scaled[2], 1.0)


def test_accepts_rows_in_any_memory_layout():
    x = torch.randn(300, 600, generator=torch.Generator().manual_seed(0)).T.requires_grad_()
    weights = torch.randn(300, 600, generator=torch.Generator().manual_seed(1)).T
    (actual,) = torch.autograd.grad((sign_of_rows(x, slope) * weights).sum(), x)
    expected_codes = sign_with_slope(unit_magnitude(x), slope)
    (expected,) = torch.autograd.grad((expected_codes * weights).sum(), x)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("used", [[], [2], [0, 3, 4], [0, 1, 2, 3, 4]])
def test_rows_without_a_gradient_get_none_and_do_not_change_others(used):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 4, generator=generator).requires_grad_()
    weights = torch.randn(5, 4, generator=generator)
    (expected,) = torch.autograd.grad((sign_of_rows(x, slope) * weights).sum(), x)
    masked = torch.zeros_like(weights)
    masked[used] = weights[used]
    (found,) = torch.autograd.grad((sign_of_rows(x, slope) * masked).sum(), x)
    assert torch.equal(found[used], expected[used])
    assert found.count_nonzero(dim=1).nonzero().flatten().tolist() == used
