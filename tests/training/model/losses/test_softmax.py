import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

import bitrecall.training.model.losses.softmax as module
from bitrecall.training.model.losses.pairs import Pairs, Sample
from bitrecall.training.model.losses.softmax import softmax_loss


def pairs(listed: list[tuple[int, int]]) -> Pairs:
    users = torch.tensor([user for user, _ in listed], dtype=torch.int64)
    return Pairs(users, torch.tensor([item for _, item in listed], dtype=torch.int64))


def definition(users, items, positives, excluded, temperature, weights) -> torch.Tensor:
    """−Σ w log(exp(s_i/τ) / Σ_j exp(s_j/τ)), j over all that is not excluded."""
    logits = users @ items.T / temperature
    total = 0 * logits.sum()
    left_out = set(zip(excluded.users.tolist(), excluded.items.tolist(), strict=True))
    each = zip(positives.users.tolist(), positives.items.tolist(), weights, strict=True)
    for user, item, weight in each:
        kept = [j for j in range(len(items)) if (user, j) not in left_out]
        total = total - weight * (logits[user, item] - torch.logsumexp(logits[user, kept], 0))
    return total


def random_rows(count: int, bits: int, seed: int, binary: bool) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(count, bits, generator=generator, dtype=torch.float64)
    return (values.sign() if binary else values).requires_grad_()


@st.composite
def problems(draw):
    n_users, n_items = draw(st.integers(1, 4)), draw(st.integers(2, 9))
    everything = list(itertools.product(range(n_users), range(n_items)))
    positives = draw(st.lists(st.sampled_from(everything), min_size=1, max_size=8, unique=True))
    rest = [pair for pair in everything if pair not in positives]
    excluded = draw(st.lists(st.sampled_from(rest), max_size=8, unique=True)) if rest else []
    seed, binary = draw(st.integers(0, 2**16)), draw(st.booleans())
    users, items = random_rows(n_users, 4, seed, binary), random_rows(n_items, 4, seed + 1, binary)
    return users, items, pairs(positives), pairs(excluded)


def graded(count: int) -> torch.Tensor:
    weights = torch.arange(1.0, count + 1, dtype=torch.float64)
    return weights / weights.sum()


@settings(deadline=None, max_examples=50)
@given(problems(), st.sampled_from([1, 3, 2048]), st.floats(0.3, 8))
def test_equals_the_definition_in_value_and_gradient(problem, block, temperature):
    users, items, positives, excluded = problem
    weights = graded(len(positives.users))
    expected = definition(users, items, positives, excluded, temperature, weights)
    expected_gradients = torch.autograd.grad(3 * expected, (users, items))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_ITEMS", block)
        loss = softmax_loss(users, items, positives, excluded, temperature, weights=weights)
        gradients = torch.autograd.grad(3 * loss, (users, items))
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    for actual, expected_value in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(actual, expected_value, atol=1e-12)


def test_the_gradient_is_that_of_finite_differences():
    users, items = random_rows(3, 4, 0, False), random_rows(7, 4, 1, False)
    positives, excluded = pairs([(0, 1), (0, 6), (2, 3)]), pairs([(0, 2), (1, 0)])
    weights = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda u, i: softmax_loss(u, i, positives, excluded, 0.7, weights=weights), (users, items)
    )
    sample = Sample(0, torch.tensor([0, 3, 5]))
    assert torch.autograd.gradcheck(
        lambda u, i: softmax_loss(u, i, positives, excluded, 0.7, weights=weights, sample=sample),
        (users, items),
    )


def test_each_positive_counts_the_same_by_default():
    users, items = random_rows(2, 4, 2, True), random_rows(5, 4, 3, True)
    positives = pairs([(0, 1), (0, 2), (1, 4)])
    weights = torch.full((3,), 1 / 3, dtype=torch.float64)
    actual = softmax_loss(users, items, positives, None, 2.0)
    expected = definition(users, items, positives, pairs([]), 2.0, weights)
    assert actual.item() == pytest.approx(expected.item())


def test_the_loss_is_the_logarithm_of_the_number_of_items_if_all_tie():
    users, items = torch.ones(1, 8), torch.ones(50, 8)
    loss = softmax_loss(users, items, pairs([(0, 3)]), pairs([(0, k) for k in range(10, 20)]), 1.0)
    assert loss.item() == pytest.approx(math.log(40))


def test_a_user_with_nothing_to_rank_has_no_gradient():
    users, items = random_rows(2, 4, 4, True), random_rows(3, 4, 5, True)
    everything = pairs([(0, 0), (0, 1), (0, 2)])
    loss = softmax_loss(users, items, pairs([(1, 2)]), everything, 1.0)
    (gradient,) = torch.autograd.grad(loss, users)
    assert (gradient[0] == 0).all()
    assert torch.isfinite(gradient).all()
    assert (gradient[1] != 0).any()


def test_large_scores_do_not_overflow_in_float32():
    users = random_rows(8, 256, 6, True).detach().float().requires_grad_()
    items = (users.detach()[[0, 0, 1, 2, 3]] * -1).requires_grad_()
    loss = softmax_loss(users, items, pairs([(0, 0), (1, 4)]), None, 0.1)
    doubled = [codes.detach().double().requires_grad_() for codes in (users, items)]
    exact = softmax_loss(doubled[0], doubled[1], pairs([(0, 0), (1, 4)]), None, 0.1)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    gradients = torch.autograd.grad(loss, (users, items))
    for actual, expected_value in zip(gradients, torch.autograd.grad(exact, doubled), strict=True):
        np.testing.assert_allclose(actual, expected_value, atol=1e-4)


class LargestTensor(TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.entries = 0

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        actual = function(*arguments, **(keywords or {}))
        if isinstance(actual, torch.Tensor):
            self.entries = max(self.entries, actual.numel())
        return actual


def test_no_tensor_is_larger_than_a_block_or_the_codes(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ITEMS", 16)
    users, items = random_rows(50, 4, 7, True), random_rows(400, 4, 8, True)
    with LargestTensor() as forward:
        loss = softmax_loss(users, items, pairs([(0, 1), (7, 300)]), None, 2.0)
    with LargestTensor() as backward:
        loss.grad_fn.apply(torch.ones((), dtype=torch.float64))
    assert forward.entries == 50 * 16
    assert backward.entries == 400 * 4


class TestSampled:
    def test_a_sample_of_everything_is_the_exact_loss(self):
        users, items = random_rows(3, 8, 9, True), random_rows(11, 8, 10, True)
        positives, excluded = pairs([(0, 1), (0, 4), (2, 10)]), pairs([(0, 2), (1, 3)])
        shuffled = torch.randperm(11, generator=torch.Generator().manual_seed(0))
        exact = softmax_loss(users, items, positives, excluded, 3.0)
        sampled = softmax_loss(users, items, positives, excluded, 3.0, sample=Sample(0, shuffled))
        assert sampled.item() == pytest.approx(exact.item(), abs=1e-12)
        for actual, expected_value in zip(
            torch.autograd.grad(sampled, (users, items)),
            torch.autograd.grad(exact, (users, items)),
            strict=True,
        ):
            np.testing.assert_allclose(actual, expected_value, atol=1e-12)

    def test_the_sum_over_items_is_unbiased(self):
        users, items = random_rows(1, 4, 11, False), random_rows(6, 4, 12, False)
        positives, excluded = pairs([(0, 0)]), pairs([(0, 5)])
        own = (users[0] @ items[0]).item()
        exact = softmax_loss(users, items, positives, excluded, 1.0).item()
        # exp(loss) is the sum over items relative to the positive's own term.
        sums = [
            math.exp(
                softmax_loss(
                    users, items, positives, excluded, 1.0, sample=Sample(0, torch.tensor(rows))
                ).item()
                + own
            )
            for rows in itertools.combinations(range(6), 3)
        ]
        assert np.mean(sums) == pytest.approx(math.exp(exact + own))

    def test_items_outside_the_sample_get_no_gradient_unless_positive(self):
        users, items = random_rows(2, 8, 13, True), random_rows(9, 8, 14, True)
        loss = softmax_loss(
            users, items, pairs([(0, 8)]), None, 4.0, sample=Sample(0, torch.tensor([0, 2]))
        )
        (gradient,) = torch.autograd.grad(loss, items)
        assert torch.nonzero(gradient.abs().sum(1)).flatten().tolist() == [0, 2, 8]
