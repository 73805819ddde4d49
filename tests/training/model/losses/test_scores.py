import itertools

import numpy as np
import pytest
import torch

import bitrecall.training.model.losses.scores as module
from bitrecall.training.model.losses.candidates import Candidates
from bitrecall.training.model.losses.pairs import Pairs, Sample
from bitrecall.training.model.losses.rank_loss import smooth_recall_loss
from bitrecall.training.model.losses.scores import DenseScores
from bitrecall.training.model.losses.smooth_metrics import SmoothRecall
from bitrecall.training.recipe.max_bins import MAX_BINS

OBJECTIVE = SmoothRecall(cutoffs=(2.0, 5.0, 10.0), phi=0.5, psi=2.0)


def pairs(listed: list[tuple[int, int]]) -> Pairs:
    users = torch.tensor([user for user, _ in listed], dtype=torch.int64)
    return Pairs(users, torch.tensor([item for _, item in listed], dtype=torch.int64))


def random_codes(count: int, bits: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 2, (count, bits), generator=generator).double() * 2 - 1
    return codes.requires_grad_()


def test_rejects_more_bins_than_a_float_can_number(monkeypatch):
    monkeypatch.setattr(module, "MAX_BINS", 17)
    users, items = random_codes(2, 8, 0), random_codes(3, 8, 1)
    with pytest.raises(ValueError, match="is too large: users times"):
        smooth_recall_loss(users, items, pairs([(0, 1)]), None, OBJECTIVE)


def test_the_largest_bins_are_exact():
    width, users = 257, MAX_BINS // 257
    codes = random_codes(users, 256, 2).detach().float()
    scores = DenseScores(codes, codes[:5], Candidates(users, 5, pairs([])))
    bins = scores._bins(codes[:5])
    levels = (codes.double() @ codes[:5].double().T + 256) / 2
    expected = torch.arange(users)[:, None] * width + levels.long()
    assert torch.equal(bins, expected)


def test_computes_scores_again_that_are_not_kept(monkeypatch):
    users, items = random_codes(2, 8, 3), random_codes(9, 8, 4)
    gradients = []
    monkeypatch.setattr(module, "BLOCK_ITEMS", 2)
    for kept in (0, 2, 8):
        monkeypatch.setattr(module, "KEPT_BLOCKS", kept)
        loss = smooth_recall_loss(users, items, pairs([(0, 1), (1, 8)]), None, OBJECTIVE)
        gradients.append(torch.autograd.grad(loss, items)[0])
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])


def test_the_histogram_is_unbiased():
    users, items = random_codes(1, 8, 9), random_codes(6, 8, 10)
    special = pairs([(0, 0), (0, 5)])

    def histogram(sample):
        candidates = Candidates(1, 6, special, sample)
        return DenseScores(users.detach(), items.detach(), candidates).histogram()

    full = histogram(None)
    every_sample = [
        histogram(Sample(0, torch.tensor(rows)))
        # Samples with at least one ranked item: three of six rows, two of them special.
        for rows in itertools.combinations(range(6), 3)
    ]
    # Given how many ranked items a sample holds, each ranked item is as likely in it as any
    # other, and the weight makes up for exactly that number.
    np.testing.assert_allclose(torch.stack(every_sample).mean(0), full, atol=1e-12)
