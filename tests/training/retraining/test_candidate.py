import pytest
import torch

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.fitting.warm_start import WarmStartState
from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.retraining.candidate import cold_start_reason
from bitrecall.training.retraining.settings import RetrainingSettings


def state(pairs: Interactions, **widths: int) -> WarmStartState:
    tables = {
        name: EmbeddingTables(torch.zeros(pairs.n_users, width), torch.zeros(pairs.n_items, width))
        for name, width in widths.items()
    }
    return WarmStartState("a release", pairs.user_ids, pairs.item_ids, tables)


@pytest.mark.parametrize(
    ("overrides", "widths", "reason"),
    [
        ([], {"codes": 256}, None),
        ([], {"codes": 256, "teacher": 64}, None),
        ([], {"codes": 64}, "the parent's codes do not have 256 bits"),
        ([], {"codes": 256, "teacher": 8}, "the parent's teacher had no LightGCN of 64 dimensions"),
        (["teacher.kind=filter"], {"codes": 256}, None),
        (
            ["teacher.kind=filter", "teacher.lightgcn.weight=1"],
            {"codes": 256},
            "the parent's teacher had no LightGCN of 64 dimensions",
        ),
    ],
)
def test_names_what_the_parent_lacks(clustered, overrides, widths, reason):
    pairs = clustered.compact()
    recipe, settings = load_recipe("default", overrides), RetrainingSettings()
    assert cold_start_reason(state(pairs, **widths), pairs, recipe, settings) == reason
