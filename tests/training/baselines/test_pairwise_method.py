"""Shared behaviour of all baselines, besides the contract of all methods."""

import pytest
import torch

from bitrecall.training.errors import DivergedError
from bitrecall.training.fitting.method_registry import build

pytestmark = pytest.mark.slow


def ranked(method) -> torch.Tensor:
    """Return the scores of all users and items by which the method ranks."""
    embeddings = method.embeddings()
    users, items = embeddings.users, embeddings.items
    if embeddings.similarity == "hamming":
        users, items = torch.where(users >= 0, 1.0, -1.0), torch.where(items >= 0, 1.0, -1.0)
    return users @ items.T


def recall_at_3(scores: torch.Tensor, edges, hidden: torch.Tensor) -> float:
    scores = scores.clone()
    scores[edges.users, edges.items] = -torch.inf
    top = scores.topk(3, dim=1).indices
    return hidden.gather(1, top).float().mean().item()


def test_ranks_the_hidden_items_of_a_users_group(baseline, blocks):
    edges, hidden = blocks
    method = build(edges, baseline)
    while method.epoch < baseline.fit.epochs:
        method.advance()
    # Three of 33 items: random and popular lists have a recall of about 9%.
    assert recall_at_3(ranked(method), edges, hidden) > 0.8


def test_raises_on_nan_and_changes_nothing(baseline, blocks):
    method = build(blocks[0], baseline)
    method.advance()
    with torch.no_grad():
        method.model.users[3, 2] = float("nan")
    before = method.model.items.detach().clone()
    with pytest.raises(DivergedError, match=r"epoch 1, step 2.*learning_rate"):
        method.advance()
    assert torch.equal(before, method.model.items.detach())


def test_trains_all_parameters(baseline, blocks):
    """A layer that the optimiser does not see stays random, as in the public code of BGCH."""
    method = build(blocks[0], baseline)
    before = method.parameters()
    while method.epoch < 2:
        method.advance()
    for name, value in method.parameters().items():
        assert not torch.equal(value, before[name]), name


def test_svd_and_random_starts_have_the_same_scale(blocks, recipe_of):
    for start in ("svd", "random"):
        recipe = recipe_of("hashrec", encoder={"start": start}, pairwise={"start_scale": 0.3})
        model = build(blocks[0], recipe).model
        both = torch.cat([model.users, model.items])
        assert both.square().mean().sqrt().item() == pytest.approx(0.3)


def test_the_learning_rate_follows_its_schedule(blocks, recipe_of):
    """Adam's first step changes each entry by the learning rate, its last step by almost 0."""

    def moved(schedule: str) -> tuple[float, float]:
        recipe = recipe_of(
            "hashrec",
            fit={"epochs": 2, "learning_rate": 0.01},
            pairwise={"schedule": schedule, "regularisation": 0.0},
        )
        method = build(blocks[0], recipe)
        moves = []
        while method.epoch < 2:
            before = method.model.items.detach().clone()
            method.advance()
            moves.append((method.model.items.detach() - before).abs().max().item())
        return moves[0], moves[-1]

    first, last = moved("cosine")
    assert first == pytest.approx(0.01, rel=0.01)
    assert last < 0.002
    assert moved("constant")[1] > 0.002


def test_regularisation_uses_the_embeddings_of_the_batchs_pairs(blocks, recipe_of):
    recipe = recipe_of("hashrec", pairwise={"negatives": 2, "regularisation": 0.5})
    method = build(blocks[0], recipe)
    batch = method._sampler.batch(0, 0)
    users, items = method.model.users, method.model.items
    expected = users[batch.users].square().sum() + items[batch.items].square().sum()
    found = method._regularisation(users, items, batch)
    assert found.item() == pytest.approx(0.5 * 0.5 * expected.item() / len(batch.users), rel=1e-5)
