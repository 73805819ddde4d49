import numpy as np
import pytest

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.teacher.learned.held_out import hold_out
from tests.training.teacher.learned.conftest import interactions


def pairs_of(edges: EdgeList) -> set[tuple[int, int]]:
    return set(zip(edges.users.tolist(), edges.items.tolist(), strict=True))


@pytest.mark.parametrize("ordered", [True, False])
def test_splits_the_pairs_and_leaves_each_user_one(matrix: np.ndarray, ordered: bool) -> None:
    edges = EdgeList.of(interactions(matrix, ordered=ordered))
    part, held_out = hold_out(edges, 0.3, seed=0)
    assert pairs_of(part) | pairs_of(held_out) == pairs_of(edges)
    assert not pairs_of(part) & pairs_of(held_out)
    assert (part.user_starts.diff() > 0).equal(edges.user_starts.diff() > 0)
    assert 0.2 < len(held_out) / len(edges) < 0.4


def test_holds_out_the_latest(edges: EdgeList) -> None:
    part, held_out = hold_out(edges, 0.3, seed=0)
    assert edges.ages is not None
    age = dict(
        zip(
            zip(edges.users.tolist(), edges.items.tolist(), strict=True),
            edges.ages.tolist(),
            strict=True,
        )
    )
    for user in range(edges.n_users):
        latest = [age[pair] for pair in pairs_of(held_out) if pair[0] == user]
        earlier = [age[pair] for pair in pairs_of(part) if pair[0] == user]
        assert not latest or max(latest) < min(earlier)


def test_ages_are_counted_among_the_remaining_pairs(edges: EdgeList) -> None:
    part, _ = hold_out(edges, 0.3, seed=0)
    assert part.ages is not None
    for user in range(edges.n_users):
        ages = part.ages[part.users == user]
        assert sorted(ages.tolist()) == list(range(len(ages)))
