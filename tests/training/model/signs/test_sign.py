import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.search.packing import pack_signs
from bitrecall.training.model.signs.sign import sign, sign_with_slope


@given(st.lists(st.sampled_from([0.0, -0.0, 1e-30, -1e-30, 3.0, -3.0]), min_size=8, max_size=8))
def test_the_sign_of_training_is_the_sign_of_the_release(values):
    x = torch.tensor([values])
    packed = np.unpackbits(pack_signs(x.numpy()), axis=1, bitorder="little")
    assert (packed * 2.0 - 1 == sign(x).numpy()).all()


def test_keeps_the_dtype():
    for dtype in (torch.float32, torch.float64):
        assert sign(torch.zeros(3, dtype=dtype)).dtype == dtype
    assert sign(torch.tensor([-0.0])).item() == pytest.approx(1.0)


def test_a_slope_replaces_the_derivative_of_the_same_entry():
    x = torch.tensor([[-2.0, 0.5], [0.0, 3.0]], requires_grad=True)
    codes = sign_with_slope(x, lambda values: values + 10)
    (gradient,) = torch.autograd.grad((codes * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum(), x)
    assert codes.tolist() == [[-1, 1], [1, 1]]
    assert gradient.tolist() == [[8, 21], [30, 52]]


def test_applies_a_slope_in_chunks_in_any_memory_layout():
    x = torch.randn(600, 300, generator=torch.Generator().manual_seed(0)).T.requires_grad_()
    weights = torch.arange(180_000, dtype=torch.float32).reshape(300, 600)
    seen: list[int] = []

    def slope(values: torch.Tensor) -> torch.Tensor:
        seen.append(len(values))
        return values.cos()

    codes = sign_with_slope(x, slope)
    (gradient,) = torch.autograd.grad((codes * weights).sum(), x)
    np.testing.assert_array_equal(gradient, weights * x.detach().cos())
    assert sum(seen) == 180_000
    assert max(seen) < 180_000
