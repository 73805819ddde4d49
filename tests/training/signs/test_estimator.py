import pytest
import torch

from training.sections import SignRecipe
from training.signs import (
    aage_sign,
    annealed_slope,
    fourier_sign,
    sign,
    sign_estimator,
    straight_through_sign,
    tanh_relaxation,
    tanh_sign,
)

X = torch.tensor([-2.0, -0.6, 0.0, 0.3, 1.4], dtype=torch.float64)
SETTINGS = {"beta": 1.3, "beta_end": 6.0, "fourier_terms": 3, "fourier_width": 4.0}


def section(name: str) -> SignRecipe:
    return SignRecipe(estimator=name, **SETTINGS)


def value_and_gradient(estimator) -> list[list[float]]:
    x = X.clone().requires_grad_()
    codes = estimator(x)
    (gradient,) = torch.autograd.grad(codes.sum(), x)
    return [codes.tolist(), gradient.tolist()]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aage", lambda x: aage_sign(x, 1.3)),
        ("straight_through", straight_through_sign),
        ("fourier", lambda x: fourier_sign(x, terms=3, half_period=4.0)),
    ],
)
def test_an_estimator_has_its_settings_from_the_recipe_and_gives_codes(name, expected, exact):
    made = sign_estimator(section(name), 0.25, exact=exact)
    assert value_and_gradient(made) == value_and_gradient(expected)
    assert torch.equal(made(X), sign(X))


@pytest.mark.parametrize("progress", [0, 0.25, 1])
def test_tanh_anneals_and_passes_codes_forward_unless_relaxed_ones_will_do(progress):
    beta = annealed_slope(1.3, 6.0, progress)
    for exact, expected in ((True, tanh_sign), (False, tanh_relaxation)):
        made = sign_estimator(section("tanh"), progress, exact=exact)
        assert value_and_gradient(made) == value_and_gradient(lambda x, f=expected: f(x, beta))


def test_every_estimator_a_recipe_may_name_can_be_made():
    names = SignRecipe.model_fields["estimator"].annotation.__args__
    for name in names:
        assert torch.equal(sign_estimator(section(name), 0.5)(X), sign(X))
