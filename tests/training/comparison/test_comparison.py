from dataclasses import replace

import numpy as np
import pytest

from bitrecall.results.comparison import BREAKDOWN, OVERALL, NotRun
from bitrecall.training.comparison import families
from bitrecall.training.comparison.codes import Codes
from bitrecall.training.comparison.comparison import InterruptedComparison, compare
from bitrecall.training.comparison.families import FAMILIES, Ease, Popularity
from bitrecall.training.comparison.measures import measure
from bitrecall.training.data.collapse import collapse
from bitrecall.training.errors import EvaluationError

NAMES = ["popularity", "item kNN", "RP3beta", "EASE", "ALS"]


@pytest.fixture
def codes():
    return Codes("Bitrecall", 16, 7.0, lambda problem, groups: {"recall@20": 0.5})


def test_measures_tuned_recommenders_on_the_test_split(
    train, clustered_dataset, small_recipe, codes
):
    result = compare(train, clustered_dataset.test, small_recipe, codes)
    assert result.split == "test"
    assert (result.users, result.interactions) == (120, len(clustered_dataset.test))
    assert result.tuned_on == "a random 15% of each user's interactions"
    assert [row.name.partition(",")[0] for row in result.recommenders] == NAMES
    for row, family in zip(result.recommenders, FAMILIES, strict=True):
        assert row.trials == row.possible_trials <= family.max_trials
        assert row.trials >= 4 or family.name == "popularity"
    assert all(set(row.measures) == {*OVERALL, *BREAKDOWN} for row in result.recommenders)
    # The groups of users and items are learnable, popularity is not.
    popularity, *others = (row.measures["recall@20"] or 0 for row in result.recommenders)
    assert min(others) > 2 * popularity
    assert result.codes.name == "Bitrecall, 16 bits"
    assert (result.codes.bytes_per_item, result.codes.seconds) == (2, 7.0)
    assert result.codes.measures == {"recall@20": 0.5}
    assert result.not_run == []


def test_the_measures_are_those_of_the_recommender_fitted_to_all_training_interactions(
    train, clustered_dataset, small_recipe, codes, final
):
    result = compare(train, clustered_dataset.test, small_recipe, codes, families=[Ease()])
    (row,) = result.recommenders
    fitted = Ease().fit(final.matrix, row.setting, seed=0)
    expected = measure(final.batches(fitted), final.train.item_degrees, result.groups)
    assert row.measures == expected
    assert expected["recall@20"] == final.metric(fitted, "recall@20")


def test_settings_do_not_depend_on_the_test_split(train, clustered_dataset, small_recipe, codes):
    test = clustered_dataset.test
    generator = np.random.default_rng(1)
    other = collapse(
        test.user_ids,
        test.item_ids,
        test.users,
        generator.integers(0, test.n_items, len(test)).astype(np.int32),
    )
    first, second = (compare(train, split, small_recipe, codes) for split in (test, other))
    for a, b in zip(first.recommenders, second.recommenders, strict=True):
        assert a.setting == b.setting
        assert a.measures != b.measures


def test_without_a_test_split_measures_on_the_validation_interactions(
    train, small_recipe, codes, validation
):
    result = compare(train, None, small_recipe, codes, families=[Ease()])
    assert result.split == "validation"
    assert result.interactions == validation.n_interactions
    (row,) = result.recommenders
    fitted = Ease().fit(validation.matrix, row.setting, seed=0)
    assert row.measures["recall@20"] == validation.metric(fitted, "recall@20")


def test_the_same_seed_gives_the_same_measures(train, clustered_dataset, small_recipe, codes):
    first, second = (compare(train, clustered_dataset.test, small_recipe, codes) for _ in range(2))
    for a, b in zip(first.recommenders, second.recommenders, strict=True):
        assert replace(a, seconds=0) == replace(b, seconds=0)


def test_names_the_recommenders_without_time(train, clustered_dataset, small_recipe, codes):
    result = compare(
        train, clustered_dataset.test, small_recipe, codes, seconds=1e-3, clock=lambda: 0.0
    )
    # Fits of such small data are expected to take less than the time of ALS.
    (als,) = [row for row in result.not_run if row.name == "ALS"]
    assert als.reason == "about 0 s expected, 0 s left for it; bitrecall benchmark runs it"
    assert result.recommenders[0].name == "popularity"


@pytest.mark.parametrize("families_before", [0, 2])
def test_an_interruption_keeps_the_rows_that_are_ready(
    train, clustered_dataset, small_recipe, codes, families_before
):
    class Interrupted(Ease):
        name = "interrupted"

        def fit(self, matrix, setting, seed):
            raise KeyboardInterrupt

    before = [Popularity(), Ease()][:families_before]
    with pytest.raises(InterruptedComparison) as stopped:
        compare(
            train,
            clustered_dataset.test,
            small_recipe,
            codes,
            families=[Interrupted(), *before] if not before else [*before, Interrupted()],
        )
    result = stopped.value.comparison
    assert [row.name for row in result.recommenders] == ["popularity", "EASE"][:families_before]
    assert result.not_run == [NotRun("interrupted", "interrupted")]
    assert result.codes.measures == {"recall@20": 0.5}


def test_tells_that_codes_use_the_order_only_if_it_is_known(
    train, clustered_dataset, small_recipe, codes
):
    used = replace(codes, order_used_by=("teacher",))
    options = {"families": [Popularity()]}
    without = compare(train, clustered_dataset.test, small_recipe, used, **options)
    ordered = replace(train, order=np.arange(len(train), dtype=np.float64))
    with_order = compare(ordered, clustered_dataset.test, small_recipe, used, **options)
    assert (without.order_used_by, with_order.order_used_by) == ((), ("teacher",))


def test_names_a_recommender_that_does_not_fit_in_memory(
    train, clustered_dataset, small_recipe, codes, monkeypatch
):
    monkeypatch.setattr(families, "MAX_EASE_ITEMS", 79)
    result = compare(train, clustered_dataset.test, small_recipe, codes)
    (ease,) = result.not_run
    assert ease.name == "EASE"
    assert ease.reason.endswith("79 × 79 is the limit")
    assert len(result.recommenders) == 4


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory\nmore")])
def test_a_recommender_that_fails_does_not_stop_the_others(
    train, clustered_dataset, small_recipe, codes, monkeypatch, error
):
    def fail(*arguments, **keywords):
        raise error

    monkeypatch.setattr(families, "als", fail)
    result = compare(train, clustered_dataset.test, small_recipe, codes)
    reason = "can't allocate memory" if str(error) else "MemoryError"
    assert result.not_run == [NotRun("ALS", reason)]
    assert len(result.recommenders) == 4


def interactions(users, items, **columns):
    """Return interactions of users and items that are numbers."""
    users, items = np.array(users), np.array(items)
    user_ids = [f"u{row}" for row in range(users.max() + 1)]
    item_ids = [f"i{row}" for row in range(items.max() + 1)]
    rows = users.astype(np.int32), items.astype(np.int32)
    return collapse(user_ids, item_ids, *rows, **columns).compact()


GRID_USERS, GRID_ITEMS = np.repeat(np.arange(12), 8), np.tile(np.arange(8), 12)
UNUSUAL = {
    "one user": interactions(np.zeros(30, int), np.arange(30)),
    "two items": interactions(np.repeat(np.arange(20), 2), np.tile([0, 1], 20)),
    "every user has every item": interactions(GRID_USERS, GRID_ITEMS),
    "users share no items": interactions(GRID_USERS, GRID_USERS * 8 + GRID_ITEMS),
    "one item is in most interactions": interactions(
        [*range(50), 0, 1, 2, 3], [0] * 50 + [1, 1, 2, 2]
    ),
    "very different weights": interactions(
        GRID_USERS, GRID_ITEMS, weights=np.where(GRID_ITEMS, 1e-6, 1e6).astype(np.float32)
    ),
    "fewer users than items": interactions(np.repeat(np.arange(3), 40), np.arange(120) * 7 % 100),
    "order of few users": interactions(
        GRID_USERS, GRID_ITEMS, times=np.where(GRID_USERS < 2, GRID_ITEMS, 5).astype(float)
    ),
}


@pytest.mark.parametrize("split", ["test", "validation"])
@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_data_have_all_rows(data, split, small_recipe, codes):
    # Of the test users, one is unknown to training, and so is one item.
    test = interactions([0, 0, 10**3], [0, 10**3, 1])
    result = compare(data, test if split == "test" else None, small_recipe, codes)
    assert [row.name.partition(",")[0] for row in result.recommenders] == NAMES
    assert result.not_run == []
    for row in result.recommenders:
        values = [row.measures[name] for name in OVERALL]
        assert all(value is not None and 0 <= value <= 1 for value in values)
    assert result.unknown_users == (split == "test")
    text = repr(result)
    assert "nan" not in text
    assert max(map(len, text.splitlines())) <= 110


def test_a_known_user_without_test_items_does_not_count(train, small_recipe, codes):
    test = interactions([1, 1], [2, 3])
    result = compare(train, test, small_recipe, codes, families=[Popularity()])
    assert (result.users, result.interactions) == (1, 2)


def test_rejects_data_without_anything_held_out(train, small_recipe, codes):
    section = small_recipe.validation.model_copy(update={"share": 0.0})
    recipe = small_recipe.model_copy(update={"validation": section})
    with pytest.raises(EvaluationError, match="nothing is held out to compare on"):
        compare(train, None, recipe, codes)


def test_all_families_are_in_the_table():
    assert [family.name for family in FAMILIES] == NAMES
