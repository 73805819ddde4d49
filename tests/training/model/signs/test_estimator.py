import numpy as np
import pytest
import torch

from bitrecall.training.model.signs import (
    annealed_slope,
    fourier_derivative,
    sign,
    sign_estimator,
    sign_swish_derivative,
    sign_with_slope,
    tanh_derivative,
    tanh_relaxation,
    unit_magnitude,
)
from bitrecall.training.recipe.sign_section import SignRecipe

X = torch.tensor([[-2.0, -0.6, 0.0, 0.3, 1.4], [-20.0, 3.0, 4.0, 50.0, 0.1]], dtype=torch.float64)
SETTINGS = {"beta": 1.3, "beta_end": 6.0, "fourier_terms": 3, "fourier_width": 4.0}


def section(name: str) -> SignRecipe:
    return SignRecipe(estimator=name, **SETTINGS)


def assert_same(actual, expected) -> None:
    """The same codes and gradients, for any weights of the codes."""
    made = []
    for estimator in (actual, expected):
        x = X.clone().requires_grad_()
        codes = estimator(x)
        weights = torch.linspace(-1, 2, X.numel(), dtype=X.dtype).reshape(X.shape)
        made.append((codes.detach(), *torch.autograd.grad((codes * weights).sum(), x)))
    for ours, theirs in zip(*made, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("aage", lambda x: sign_swish_derivative(x, 1.3)),
        ("straight_through", torch.ones_like),
        ("fourier", lambda x: fourier_derivative(x, terms=3, half_period=4.0)),
    ],
)
def test_an_estimator_uses_the_settings_of_the_recipe_and_returns_codes(name, slope, exact):
    made = sign_estimator(section(name), 0.25, exact=exact)
    assert_same(made, lambda x: sign_with_slope(unit_magnitude(x), slope))
    assert torch.equal(made(X), sign(X))


@pytest.mark.parametrize("progress", [0, 0.25, 1])
def test_tanh_anneals_and_passes_codes_forward_if_exact_codes_are_needed(progress):
    beta = annealed_slope(1.3, 6.0, progress)
    exact = sign_estimator(section("tanh"), progress, exact=True)
    relaxed = sign_estimator(section("tanh"), progress, exact=False)
    assert torch.equal(exact(X), sign(X))
    assert_same(
        exact, lambda x: sign_with_slope(unit_magnitude(x), lambda y: tanh_derivative(y, beta))
    )
    assert_same(relaxed, lambda x: tanh_relaxation(unit_magnitude(x), beta))


def test_creates_every_estimator_that_a_recipe_can_name():
    names = SignRecipe.model_fields["estimator"].annotation.__args__
    for name in names:
        assert torch.equal(sign_estimator(section(name), 0.5)(X), sign(X))
