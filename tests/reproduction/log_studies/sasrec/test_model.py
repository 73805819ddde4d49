import pytest
import torch

from bitrecall.reproduction.log_studies.sasrec.model import SASRec
from bitrecall.reproduction.log_studies.sasrec.settings import SASRecSettings


@pytest.fixture
def model():
    torch.manual_seed(0)
    return SASRec(20, SASRecSettings(dimensions=8, length=6)).eval()


@torch.no_grad()
def test_a_position_depends_on_older_items_only(model):
    items = torch.tensor([[1, 2, 3, 4], [1, 2, 7, 8]])
    first, second = model(items, torch.tensor([4, 4]))
    assert torch.allclose(first[:2], second[:2], atol=1e-6)
    assert not torch.allclose(first[2:], second[2:], atol=1e-3)


@torch.no_grad()
def test_padding_does_not_change_an_embedding(model):
    alone = model(torch.tensor([[1, 2]]), torch.tensor([2]))[0]
    padded = model(torch.tensor([[1, 2, 20, 20], [3, 4, 5, 6]]), torch.tensor([2, 4]))[0]
    assert torch.allclose(alone, padded[:2], atol=1e-6)


@torch.no_grad()
def test_the_order_of_items_counts(model):
    one, other = model(torch.tensor([[1, 2, 3], [2, 1, 3]]), torch.tensor([3, 3]))
    assert not torch.allclose(one[-1], other[-1], atol=1e-3)


def test_training_has_the_scores_of_evaluation_without_dropout():
    torch.manual_seed(0)
    model = SASRec(20, SASRecSettings(dimensions=8, length=6, dropout=0.0))
    items, lengths = torch.tensor([[1, 2, 3]]), torch.tensor([3])
    trained = model.train()(items, lengths)
    with torch.no_grad():
        evaluated = model.eval()(items, lengths)
    assert torch.allclose(trained, evaluated, atol=1e-5)


def test_scores_all_items_but_the_padding(model):
    assert model.logits(torch.zeros(2, 3, 8)).shape == (2, 3, 20)


@torch.no_grad()
def test_the_newest_item_has_the_last_position(model):
    items, lengths = torch.tensor([[1, 20], [2, 3]]), torch.tensor([1, 2])
    before = model(items, lengths)
    # Of six positions, no history of two items has the first ones.
    model.position_table.weight[:4] += 1.0
    assert torch.equal(model(items, lengths)[1], before[1])
    model.position_table.weight[4] += torch.arange(8.0)
    after = model(items, lengths)
    assert torch.equal(after[0, 0], before[0, 0])
    assert not torch.equal(after[1, 0], before[1, 0])
