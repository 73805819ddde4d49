import numpy as np
import pytest

from bitrecall.training.metrics import OUTSIDE
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.learned import fitted_ranker, scorer_set
from bitrecall.training.teacher.learned import learned_lists as module
from bitrecall.training.teacher.learned.held_out import hold_out
from bitrecall.training.teacher.learned.learned_lists import LearnedLists, learned_lists
from bitrecall.training.teacher.learned.ranker import Ranker, fit_model
from bitrecall.training.teacher.learned.scorer_set import KINDS, ScorerSet
from tests.training.teacher.learned.conftest import grouped_matrix, interactions
from tests.training.teacher.learned.test_ranker import NAMES, data

pytestmark = pytest.mark.slow

RECIPE = TeacherRecipe(length=20)


@pytest.fixture(scope="module")
def edges() -> EdgeList:
    return EdgeList.of(interactions(grouped_matrix()))


@pytest.fixture(scope="module")
def learned(edges: EdgeList) -> LearnedLists:
    return learned_lists(edges, RECIPE, seed=0)


def test_lists_unseen_items_by_descending_probability(learned: LearnedLists) -> None:
    assert learned.ranker is not None
    seen = grouped_matrix()
    lists = learned.lists
    for user, (items, scores, count) in enumerate(
        zip(lists.items, lists.scores, lists.counts, strict=True)
    ):
        assert count == 20
        assert len(set(items.tolist())) == 20
        assert not seen[user, items].any()
        assert (np.diff(scores) <= 0).all()
        assert 0 < scores[0] < 1


def test_items_of_a_users_group_come_first(learned: LearnedLists) -> None:
    same = (np.arange(300) % 4)[:, None] == learned.lists.items[:, :5] % 4
    assert same.mean() > 0.9


def test_the_same_seed_gives_the_same_lists(edges: EdgeList, learned: LearnedLists) -> None:
    again = learned_lists(edges, RECIPE, seed=0)
    np.testing.assert_array_equal(again.lists.items, learned.lists.items)


def test_a_model_ranks_only_users_whose_held_out_pairs_it_has_not_seen(
    edges: EdgeList, monkeypatch
) -> None:
    part, held_out = hold_out(edges, 0.2, seed=0)
    ranked: dict[int, set[int]] = {0: set(), 1: set()}
    probabilities = module._probabilities

    def recorded(block, names, ranker, model_of_user):
        for user in block.users.tolist():
            ranked[int(model_of_user[user])].add(user)
        return probabilities(block, names, ranker, model_of_user)

    monkeypatch.setattr(module, "_probabilities", recorded)
    learned_lists(part, RECIPE, seed=0, held_out=held_out)
    halves = np.random.default_rng(0).integers(0, 2, edges.n_users)
    # Half h fits model h, so its users are ranked by the other.
    for model, users in ranked.items():
        assert users
        assert (halves[sorted(users)] == 1 - model).all()


def test_a_ranker_ranks_other_pairs_without_being_fitted_again(
    edges: EdgeList, learned: LearnedLists, monkeypatch
) -> None:
    ranker = learned.ranker
    monkeypatch.setattr(module, "fit_ranker", None)
    again = learned_lists(edges, RECIPE, seed=0, ranker=ranker)
    assert again.ranker is ranker
    assert (again.lists.counts == 20).all()


def test_features_that_do_not_fit_in_memory_are_computed_again(
    edges: EdgeList, monkeypatch
) -> None:
    part, held_out = hold_out(edges, 0.2, seed=0)
    expected = learned_lists(part, RECIPE, seed=0, held_out=held_out).lists
    monkeypatch.setattr(fitted_ranker, "_MAX_KEPT_BYTES", 0)
    found = learned_lists(part, RECIPE, seed=0, held_out=held_out).lists
    np.testing.assert_array_equal(found.items, expected.items)


@pytest.mark.parametrize("shape", [(2, 3), (5, 2), (30, 4)])
def test_too_few_pairs_for_a_ranker_are_ranked_by_the_mean_of_scores(
    shape: tuple[int, int],
) -> None:
    dense = np.random.default_rng(0).random(shape) < 0.6
    dense[0, 0] = True
    learned = learned_lists(EdgeList.of(interactions(dense)), RECIPE, seed=0)
    assert learned.ranker is None
    for user, (items, count) in enumerate(
        zip(learned.lists.items, learned.lists.counts, strict=True)
    ):
        assert set(items[:count]) == set(np.flatnonzero(~dense[user]))
        assert (items[count:] == OUTSIDE).all()


def test_reports_every_scorer_and_fits_only_those_in_use_again(
    edges: EdgeList, learned: LearnedLists, monkeypatch
) -> None:
    reports = {report.kind: report for report in learned.scorers}
    assert set(reports) == set(KINDS) - {"lightgcn"}
    assert learned.ranker is not None
    used = [kind for kind, report in reports.items() if report.used]
    assert set(learned.ranker.kinds) == set(used)
    assert used
    assert all(report.seconds > 0 for report in learned.scorers)
    assert all(report.used or not report.added for report in learned.scorers)
    fitted: list[str] = []

    def recorded(*arguments, **keywords):
        scorers = ScorerSet(*arguments, **keywords)
        fitted.extend(scorers.seconds)
        return scorers

    monkeypatch.setattr(module, "ScorerSet", recorded)
    learned_lists(edges, RECIPE, seed=0, ranker=learned.ranker)
    assert set(fitted) == set(used)


def test_fits_a_new_ranker_if_the_order_of_an_earlier_one_is_unknown(
    learned: LearnedLists,
) -> None:
    earlier = learned.ranker
    assert earlier is not None
    assert "transitions" in earlier.kinds
    unordered = EdgeList.of(interactions(grouped_matrix(), ordered=False))
    later = learned_lists(unordered, RECIPE, seed=0, ranker=earlier).ranker
    assert later is not None
    assert later is not earlier
    assert "transitions" not in later.kinds


def test_fits_a_new_ranker_if_the_catalogue_outgrew_ease(edges: EdgeList, monkeypatch) -> None:
    features, hits = data(0)
    weights = np.ones(len(hits), np.float32)
    earlier = Ranker([fit_model(features, hits, weights, NAMES, 0, n_users=100)])
    assert earlier.kinds == ["ease"]
    monkeypatch.setattr(scorer_set, "MAX_EASE_ITEMS", edges.n_items - 1)
    learned = learned_lists(edges, RECIPE, seed=0, ranker=earlier)
    assert learned.ranker is not None
    assert "ease" not in learned.ranker.kinds


def test_adds_models_of_more_draws_for_few_users_without_order(
    edges: EdgeList, learned: LearnedLists, monkeypatch
) -> None:
    assert learned.ranker is not None
    assert len(learned.ranker.models) == 2
    unordered = EdgeList.of(interactions(grouped_matrix(), ordered=False))
    ranker = learned_lists(unordered, RECIPE, seed=0).ranker
    assert ranker is not None
    assert len(set(ranker.models)) == 6
    again = learned_lists(unordered, RECIPE, seed=0, ranker=ranker)
    assert again.ranker is ranker
    monkeypatch.setattr(module, "_FEW_USERS", edges.n_users)
    many = learned_lists(unordered, RECIPE, seed=0).ranker
    assert many is not None
    assert many.models == ranker.models[:2]


def test_uses_all_scorers_if_there_is_no_time_to_measure_them(edges: EdgeList) -> None:
    learned = learned_lists(edges, RECIPE, seed=0, seconds=1e-6)
    assert learned.ranker is not None
    assert set(learned.ranker.kinds) == set(KINDS) - {"lightgcn", "ease"}
    assert learned.scorers == ()
