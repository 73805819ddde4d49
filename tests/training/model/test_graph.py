import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.model.graph import EdgeList

pytestmark = pytest.mark.slow


@st.composite
def edge_sets(draw):
    n_users, n_items = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    cells = [(user, item) for user in range(n_users) for item in range(n_items)]
    chosen = draw(st.lists(st.sampled_from(cells), min_size=1, unique=True))
    kept = draw(st.lists(st.booleans(), min_size=len(chosen), max_size=len(chosen)))
    return n_users, n_items, chosen, kept


def edge_list(n_users: int, n_items: int, chosen: list[tuple[int, int]]) -> EdgeList:
    users = np.array([user for user, _ in chosen], np.int32)
    items = np.array([item for _, item in chosen], np.int32)
    return EdgeList(users, items, n_users, n_items)


def normalised(n_users: int, n_items: int, chosen) -> np.ndarray:
    """D^-1/2 A D^-1/2, the upper right block, by the definition; 0 where a degree is 0."""
    matrix = np.zeros((n_users, n_items))
    for user, item in chosen:
        matrix[user, item] = 1
    user_degrees, item_degrees = matrix.sum(1), matrix.sum(0)
    for user, item in chosen:
        matrix[user, item] = 1 / np.sqrt(user_degrees[user] * item_degrees[item])
    return matrix


@given(edge_sets())
def test_the_graph_is_the_symmetric_normalisation_of_the_kept_edges(case):
    n_users, n_items, chosen, kept = case
    edges = edge_list(n_users, n_items, chosen)
    mask = dict(zip(chosen, kept, strict=True))
    order = zip(edges.users.tolist(), edges.items.tolist(), strict=True)
    graph = edges.graph(torch.tensor([mask[pair] for pair in order]))
    expected = normalised(n_users, n_items, [pair for pair in chosen if mask[pair]])
    np.testing.assert_allclose(graph.users_to_items.to_dense(), expected, rtol=1e-6)
    np.testing.assert_allclose(graph.items_to_users.to_dense(), expected.T, rtol=1e-6)
    whole = edges.graph()
    np.testing.assert_allclose(
        whole.users_to_items.to_dense(), normalised(n_users, n_items, chosen), rtol=1e-6
    )
    np.testing.assert_allclose(whole.items_to_users.to_dense(), whole.users_to_items.to_dense().T)


@given(edge_sets(), st.data())
def test_the_edges_of_a_batch_come_in_its_order(case, data):
    n_users, n_items, chosen, _ = case
    edges = edge_list(n_users, n_items, chosen)
    batch = data.draw(st.permutations(range(n_users)))
    actual = edges.edges_of(torch.tensor(batch))
    expected = [
        (user, item) for user in batch for item in sorted(i for u, i in chosen if u == user)
    ]
    listed = zip(edges.users[actual].tolist(), edges.items[actual].tolist(), strict=True)
    assert list(listed) == expected


@given(edge_sets(), st.randoms(use_true_random=False))
def test_rows_of_users_are_rows_of_the_full_graph(edges, random):
    n_users, n_items, chosen, _ = edges
    whole = edge_list(n_users, n_items, chosen).graph()
    users = torch.tensor(random.sample(range(n_users), random.randint(1, n_users)))
    part = whole.rows_of(users)
    expected = whole.users_to_items.to_dense()[users]
    assert torch.equal(part.users_to_items.to_dense(), expected)
    assert torch.equal(part.items_to_users.to_dense(), expected.T)


def test_selected_pairs_keep_their_weights_and_count_their_ages():
    users, items = np.array([0, 0, 0, 1]), np.array([2, 0, 1, 0])
    weights, ages = np.float32([1, 2, 3, 4]), np.array([0, 1, 2, 0], np.int32)
    edges = EdgeList(users, items, 2, 3, weights=weights, ages=ages)
    assert edges.ages.tolist() == [1, 2, 0, 0]
    chosen = edges.select(np.array([True, True, False, True]))
    assert list(zip(chosen.users.tolist(), chosen.items.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (1, 0),
    ]
    assert chosen.weights.tolist() == [2, 3, 4]
    assert chosen.ages.tolist() == [0, 1, 0]
