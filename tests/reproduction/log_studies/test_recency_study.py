from itertools import pairwise

import numpy as np
import pytest

from bitrecall.reproduction.log_studies.recency_study import (
    HALF_NEW,
    NO_NEW,
    SETTINGS,
    Scores,
    by_activity,
    cells,
)
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe_file import load_recipe


def scores(gain_of_active=0.3, n_users=400):
    """Setting 7 is best for active users, and no recency for the others."""
    generator = np.random.default_rng(0)
    activity = generator.integers(5, 45, n_users)
    grid = generator.normal(0.5, 0.01, (len(SETTINGS), n_users))
    grid[1:] -= 0.1
    grid[7, activity > 25] += 0.1 + gain_of_active
    return Scores(activity, grid, generator.permutation(n_users) % 2)


def test_a_group_may_gain_what_one_choice_for_all_loses():
    everybody, *groups = by_activity("none", scores())
    assert everybody.details["users"] == sum(group.details["users"] for group in groups) == 400
    least, most = groups[0].details, groups[-1].details
    assert (most["for_group"]["strength"], most["for_group"]["decay"]) == SETTINGS[7]
    assert most["for_group"]["gain"] == pytest.approx(0.6, abs=0.02)
    assert least["for_group"]["gain"] == 0
    assert least["for_group"]["strength"] == 0
    # Half of the users gain 0.3 and the others lose 0.1: one setting is chosen for all.
    assert least["for_all"]["gain"] == pytest.approx(-0.2, abs=0.02)
    assert everybody.details["for_all"] == everybody.details["for_group"]


def test_groups_are_disjoint_ranges_of_activity():
    _, *groups = by_activity("none", scores())
    ranges = [group.details["items"] for group in groups]
    assert len(ranges) == 4
    assert ranges == sorted(ranges)
    assert all(first[1] < second[0] for first, second in pairwise(ranges))


def test_equally_active_users_are_one_group():
    alike = scores()
    alike = Scores(np.full(400, 9), alike.grid, alike.half)
    everybody, *groups = by_activity("none", alike)
    assert [group.details["items"] for group in groups] == [[9, 9]]
    assert everybody.details["items"] == [9, 9]


def test_noise_gains_nothing():
    best, gains = [], []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        grid = generator.random((len(SETTINGS), 400))
        noise = Scores(np.full(400, 9), grid, generator.permutation(400) % 2)
        best.append(grid.mean(axis=1).max() / grid[0].mean() - 1)
        gains.append(by_activity("none", noise)[0].details["for_all"]["gain"])
    # The best of 26 settings is better by chance on the users that choose it.
    assert np.mean(best) > 0.04
    assert abs(np.mean(gains)) < 0.01


def test_the_gain_of_no_recency_is_0():
    for result in by_activity("none", scores()):
        assert list(result.details["by_strength"]) == ["0", "0.25", "0.5", "1", "2", "4"]
        assert result.details["by_strength"]["0"] == 0


@pytest.mark.slow
def test_new_items_count_for_users_whose_taste_changes(cell_run, drifting):
    values = ["bits=16", "fit.epochs=4", "teacher.kind=filter", "teacher.rank=8"]
    recipe = load_recipe("default", [*values, "teacher.length=20", "validation.share=0.25"])
    run = cell_run(dataset=Dataset(drifting, None, "drifting", ReadReport()), recipe=recipe)
    measured = {result.variant: result for result in cells("drifting")[0].run(run)}
    assert {name.partition("/")[0] for name in measured} == {NO_NEW, HALF_NEW}
    for result in measured.values():
        assert result.split == "validation"
    assert measured[f"{HALF_NEW}/all"].details["users"] > 100
    gain = measured[f"{HALF_NEW}/all"].details["for_all"]
    assert gain["strength"] > 0
    assert gain["gain"] > 3 * gain["error"]


def test_rejects_interactions_without_an_order(cell_run, clustered):
    run = cell_run(dataset=Dataset(clustered, None, "clustered", ReadReport()))
    with pytest.raises(StudyError, match="needs interactions with times"):
        cells("clustered")[0].run(run)
