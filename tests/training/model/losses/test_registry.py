import pytest
import torch

from bitrecall.training.model.losses.bpr import bpr_loss
from bitrecall.training.model.losses.pairs import Pairs, Sample
from bitrecall.training.model.losses.rank_loss import smooth_recall_loss
from bitrecall.training.model.losses.registry import ranking_loss
from bitrecall.training.model.losses.smooth_metrics import SmoothNDCG, SmoothRecall
from bitrecall.training.model.losses.softmax import softmax_loss
from bitrecall.training.recipe.loss_section import LossRecipe

USERS = torch.tensor([[1.0, 1, -1, 1], [1, -1, -1, -1]])
ITEMS = torch.tensor(
    [[1.0, 1, 1, 1], [-1, 1, -1, 1], [1, -1, 1, -1], [-1, -1, -1, 1], [1, 1, 1, -1]]
)
POSITIVES = Pairs(torch.tensor([0, 0, 1]), torch.tensor([1, 2, 4]))
EXCLUDED = Pairs(torch.tensor([1]), torch.tensor([0]))
WEIGHTS = torch.tensor([0.5, 0.2, 0.3])
SAMPLE = Sample(0, torch.tensor([0, 3, 4]))
SETTINGS = {"cutoffs": (1, 3), "phi": 0.4, "psi": 2.0, "temperature": 1.5, "negatives": 3}

COMMON = (USERS, ITEMS, POSITIVES, EXCLUDED)
EXPECTED = {
    "smooth_recall": lambda sample: smooth_recall_loss(
        *COMMON, SmoothRecall((1, 3), 0.4, 2.0), weights=WEIGHTS, sample=sample
    ),
    "smooth_ndcg": lambda sample: smooth_recall_loss(
        *COMMON, SmoothNDCG((1, 3), 0.4, 2.0), weights=WEIGHTS, sample=sample
    ),
    "softmax": lambda sample: softmax_loss(*COMMON, 1.5, weights=WEIGHTS, sample=sample),
    "bpr": lambda sample: bpr_loss(
        *COMMON, 1.5, negatives=3, generator=torch.Generator().manual_seed(5), weights=WEIGHTS
    ),
}


def test_tests_every_loss_that_a_recipe_can_name():
    assert set(LossRecipe.model_fields["name"].annotation.__args__) == set(EXPECTED)


@pytest.mark.parametrize("sample", [None, SAMPLE])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_loss_uses_the_settings_of_the_recipe(name, sample):
    loss = ranking_loss(LossRecipe(name=name, **SETTINGS))
    generator = torch.Generator().manual_seed(5)
    actual = loss(*COMMON, WEIGHTS, sample, generator)
    assert actual.item() == EXPECTED[name](sample).item()


def test_only_losses_that_count_scores_by_level_need_exact_codes():
    exact = {name: ranking_loss(LossRecipe(name=name, **SETTINGS)).exact for name in EXPECTED}
    assert exact == {"smooth_recall": True, "smooth_ndcg": True, "softmax": False, "bpr": False}
