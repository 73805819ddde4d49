import numpy as np
import pytest
import torch

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import CheckpointError
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.warm_start import WarmStartState
from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.recipe.recipe import Recipe


def pairs(lists: dict[str, list[str]]) -> Interactions:
    users, items = list(lists), sorted({item for own in lists.values() for item in own})
    rows = [(users.index(user), items.index(item)) for user, own in lists.items() for item in own]
    return collapse(users, items, *np.array(rows, np.int32).T)


@pytest.fixture
def end() -> WarmStartState:
    """Users a and ω, items x, y and z, at places that tell them apart."""
    codes = EmbeddingTables(
        torch.tensor([[1.0, -1], [2, 2]]), torch.tensor([[1.0, 1], [-4, 4], [3, -3]])
    )
    teacher = EmbeddingTables(codes.users[:, :1] * 10, codes.items[:, :1] * 10)
    return WarmStartState("a release", ["a", "ω"], ["x", "y", "z"], {"codes": codes, "t": teacher})


def test_saves_and_loads_a_state(end, tmp_path):
    end.save(tmp_path / "end.npz")
    again = WarmStartState.load(tmp_path / "end.npz")
    assert (again.origin, again.user_ids, again.item_ids) == (
        "a release",
        ["a", "ω"],
        ["x", "y", "z"],
    )
    assert list(again.free) == ["codes", "t"]
    for name, free in end.free.items():
        assert torch.equal(again.free[name].users, free.users)
        assert torch.equal(again.free[name].items, free.items)


def test_loads_none_if_the_file_does_not_exist(tmp_path):
    assert WarmStartState.load(tmp_path / "end.npz") is None


@pytest.mark.parametrize("size", [0, 100, -1])
def test_rejects_a_damaged_file(end, tmp_path, size):
    path = tmp_path / "end.npz"
    end.save(path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"end\.npz cannot be read.*delete it"):
        WarmStartState.load(path)


def test_rows_follow_their_ids(end):
    start = end.start(pairs({"ω": ["z", "y"], "a": ["x"]}))
    assert (start.origin, start.new_users, start.new_items) == ("a release", 0, 0)
    assert start.free["codes"].users.tolist() == [[2, 2], [1, -1]]
    assert start.free["codes"].items.tolist() == [[1, 1], [-4, 4], [3, -3]]
    assert start.free["t"].items.tolist() == [[10], [-40], [30]]


def test_drops_users_and_items_without_pairs(end):
    start = end.start(pairs({"a": ["x"]}))
    assert [len(part) for part in start.free["codes"]] == [1, 1]


def test_a_new_user_is_the_sum_of_its_items_alone(end):
    start = end.start(pairs({"a": ["x"], "new": ["y", "z"]}))
    assert start.new_users == 1
    assert start.free["codes"].users.tolist() == [[1, -1], [0, 0]]


def test_a_new_item_is_the_sum_of_its_users_scaled_to_other_items(end):
    start = end.start(pairs({"a": ["x", "new"], "ω": ["y", "z"]}))
    assert start.new_items == 1
    place = start.free["codes"].items[["new", "x", "y", "z"].index("new")]
    # Of user a alone: (1, -1) and its share of x, 1/√2 of (1, 1).
    expected = np.array([1 + 0.5**0.5, -1 + 0.5**0.5])
    size = np.abs(end.free["codes"].items.numpy()).mean()
    np.testing.assert_allclose(place, expected / np.abs(expected).mean() * size, rtol=1e-6)


def test_a_new_item_of_unknown_users_is_not_zero(end):
    start = end.start(pairs({"new": ["n1", "n2"], "a": ["x"]}))
    places = start.free["codes"].items[:2]
    assert bool((places.abs().mean(dim=1) > 0).all())
    assert not torch.equal(places[0], places[1])


def warm_recipe(small_recipe: Recipe, **changes) -> Recipe:
    teacher = small_recipe.teacher.model_copy(
        update={
            "kind": "filter",
            "length": 10,
            "rank": 8,
            "lightgcn": small_recipe.teacher.lightgcn.model_copy(
                update={"weight": 1.0, "epochs": 3, "dimensions": 4}
            ),
        }
    )
    return small_recipe.model_copy(update={"method": "bitrecall", "teacher": teacher, **changes})


def test_starts_from_the_final_state_of_another_training(clustered, small_recipe, tmp_path):
    recipe = warm_recipe(small_recipe)
    cold = FitLoop(clustered, recipe, epochs=4).run()
    assert set(cold.free) == {"codes", "teacher"}
    end = WarmStartState("first", clustered.user_ids, clustered.item_ids, cold.free)
    warm = end.start(clustered)
    first = FitLoop(clustered, recipe, epochs=1).run().progress.loss
    assert FitLoop(clustered, recipe, epochs=1, warm=warm).run().progress.loss < first - 0.02
    # A checkpoint knows where its training came from, and goes on to the same result.
    options = FitOptions(checkpoint=tmp_path / "fit.npz")
    whole = FitLoop(clustered, recipe, epochs=2, warm=warm).run()
    FitLoop(clustered, recipe, epochs=2, warm=warm, options=options).run()
    again = FitLoop(clustered, recipe, epochs=2, warm=warm, options=options)
    assert again.resumed
    resumed = again.run()
    assert torch.equal(resumed.embeddings.items, whole.embeddings.items)
    assert torch.equal(resumed.free["teacher"].items, whole.free["teacher"].items)
    with pytest.raises(CheckpointError, match="another recipe or data set"):
        FitLoop(clustered, recipe, epochs=2, options=options)


def test_embedding_tables_move_with_the_items(clustered, small_recipe):
    order = np.random.default_rng(0).permutation(clustered.n_items)
    fitted = FitLoop(clustered, warm_recipe(small_recipe), epochs=1).run()
    moved = fitted.with_items(order)
    for name, free in fitted.free.items():
        assert torch.equal(moved.free[name].items, free.items[torch.from_numpy(order)])
        assert torch.equal(moved.free[name].users, free.users)


def test_starts_no_epoch_after_the_deadline(clustered, small_recipe):
    fitted = FitLoop(clustered, small_recipe, epochs=4, options=FitOptions(deadline=0.0)).run()
    assert fitted.epochs == 1
