"""What every rival has in common, each in turn."""

import numpy as np
import pytest
import torch

from training.errors import DivergedError
from training.methods import build


def ranked(method) -> torch.Tensor:
    """Scores of every user and item, as the method is ranked."""
    found = method.embeddings()
    users, items = found.users, found.items
    if found.similarity == "hamming":
        users, items = torch.where(users >= 0, 1.0, -1.0), torch.where(items >= 0, 1.0, -1.0)
    return users @ items.T


def recall_at_3(scores: torch.Tensor, edges, hidden: torch.Tensor) -> float:
    scores = scores.clone()
    scores[edges.users, edges.items] = -torch.inf
    top = scores.topk(3, dim=1).indices
    return hidden.gather(1, top).float().mean().item()


def test_it_finds_the_hidden_items_of_a_users_group(rival, blocks):
    edges, hidden = blocks
    method = build(edges, rival)
    while method.epoch < rival.fit.epochs:
        method.advance()
    # Three of 33 items: chance and popularity find about 9%.
    assert recall_at_3(ranked(method), edges, hidden) > 0.8


def test_the_loss_falls(rival, blocks):
    method = build(blocks[0], rival)
    first = np.mean([method.advance() for _ in range(method.steps)])
    while method.epoch < 12:
        method.advance()
    assert np.mean([method.advance() for _ in range(method.steps)]) < 0.8 * first


@pytest.mark.parametrize("steps", [0, 1, 6])
def test_a_loaded_state_goes_on_to_the_same_result(rival, blocks, steps):
    whole, part = (build(blocks[0], rival) for _ in range(2))
    for _ in range(steps):
        whole.advance()
        part.advance()
    resumed = build(blocks[0], rival, start=False)
    state = {name: value.clone() for name, value in part.state().items()}
    assert {value.dtype for value in state.values()} <= {torch.float32, torch.int64}
    resumed.load(state, epoch=part.epoch, step=part.step)
    for _ in range(5):
        assert whole.advance() == resumed.advance()
    assert torch.equal(whole.embeddings().users, resumed.embeddings().users)
    assert torch.equal(whole.embeddings().items, resumed.embeddings().items)


def test_two_trainings_of_one_seed_are_the_same_and_of_two_seeds_are_not(rival, blocks):
    runs = []
    for seed in (0, 0, 1):
        method = build(blocks[0], rival.model_copy(update={"seed": seed}))
        for _ in range(method.steps + 1):
            method.advance()
        runs.append(method.embeddings().items)
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_restored_parameters_give_the_embeddings_of_their_time(rival, blocks):
    method = build(blocks[0], rival)
    method.advance()
    kept, before = method.parameters(), method.embeddings()
    method.advance()
    assert not torch.equal(method.embeddings().users, before.users)
    method.restore(kept)
    assert torch.equal(method.embeddings().users, before.users)
    assert torch.equal(method.embeddings().items, before.items)


def test_embeddings_have_a_row_for_each_and_no_gradient(rival, blocks):
    edges, _ = blocks
    found = build(edges, rival).embeddings()
    size = found.users.shape[1]
    assert found.users.shape == (edges.n_users, size)
    assert found.items.shape == (edges.n_items, size)
    assert found.item_layers
    assert all(layer.shape == found.items.shape for layer in found.item_layers)
    assert not any(
        tensor.requires_grad for tensor in (found.users, found.items, *found.item_layers)
    )
    if found.similarity == "hamming":
        assert size == rival.bits


def test_not_a_number_stops_loudly_and_changes_nothing(rival, blocks):
    method = build(blocks[0], rival)
    method.advance()
    with torch.no_grad():
        method.model.users[3, 2] = float("nan")
    before = method.model.items.detach().clone()
    with pytest.raises(DivergedError, match=r"epoch 1, step 2.*learning_rate"):
        method.advance()
    assert torch.equal(before, method.model.items.detach())


def test_every_parameter_is_trained(rival, blocks):
    """A layer outside the optimiser's reach stays as it was drawn, as BGCH's public code has it."""
    method = build(blocks[0], rival)
    before = method.parameters()
    while method.epoch < 2:
        method.advance()
    for name, value in method.parameters().items():
        assert not torch.equal(value, before[name]), name


def test_the_svd_starts_the_free_embeddings_at_the_same_scale(blocks, recipe_of):
    for start in ("svd", "random"):
        recipe = recipe_of("hashrec", encoder={"start": start}, pairwise={"start_scale": 0.3})
        model = build(blocks[0], recipe).model
        both = torch.cat([model.users, model.items])
        assert both.square().mean().sqrt().item() == pytest.approx(0.3)


def test_the_learning_rate_follows_its_schedule(blocks, recipe_of):
    """Adam's first step moves every entry by the learning rate, and its last by almost nothing."""

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


def test_regularisation_counts_the_embeddings_of_the_batchs_pairs(blocks, recipe_of):
    recipe = recipe_of("hashrec", pairwise={"negatives": 2, "regularisation": 0.5})
    method = build(blocks[0], recipe)
    batch = method._sampler.batch(0, 0)
    users, items = method.model.users, method.model.items
    expected = users[batch.users].square().sum() + items[batch.items].square().sum()
    found = method._regularisation(users, items, batch)
    assert found.item() == pytest.approx(0.5 * 0.5 * expected.item() / len(batch.users), rel=1e-5)
