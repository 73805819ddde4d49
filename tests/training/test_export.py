import numpy as np
import pytest
import torch

from bitrecall.index.search.packing import pack_signs
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.export import fold_in_messages, release_contents
from bitrecall.training.hashing.hashing_method import HashingMethod
from bitrecall.training.model.graph import EdgeList


@pytest.fixture
def clustered(clustered):
    """The clustered interactions, with items in descending popularity."""
    return reorder_items(clustered, popularity_order(clustered))


@pytest.fixture
def trained(clustered, small_recipe):
    edges = EdgeList(clustered.users, clustered.items, clustered.n_users, clustered.n_items)
    method = HashingMethod(edges, small_recipe)
    for _ in range(3):
        method.advance()
    return method


def test_creates_valid_contents_of_a_release(clustered, small_recipe, trained):
    contents = release_contents(trained.embeddings(), clustered, small_recipe)
    contents.check()
    assert contents.user_embeddings.dtype == np.float16
    assert contents.recipe["fit"]["epochs"] == small_recipe.fit.epochs
    assert contents.data.interactions == len(clustered)


def test_rows_are_in_descending_popularity_and_belong_to_their_ids(
    clustered, small_recipe, trained
):
    embeddings = trained.embeddings()
    contents = release_contents(embeddings, clustered, small_recipe)
    codes = pack_signs(embeddings.items.numpy())
    for row, item in enumerate(contents.item_ids):
        before = clustered.item_ids.index(item)
        assert (contents.item_codes[row] == codes[before]).all()
        assert contents.popularity[row] == clustered.item_degrees[before]
    for row in range(5):
        seen = {contents.item_ids[item] for item in contents.seen[row]}
        items = clustered.items[clustered.users == row]
        assert seen == {clustered.item_ids[item] for item in items}


def test_float16_embeddings_keep_the_codes(clustered, small_recipe, trained):
    embeddings = trained.embeddings()
    embeddings.users[0, :4] = torch.tensor([-1e-20, 1e-20, -0.0, 0.0])
    contents = release_contents(embeddings, clustered, small_recipe)
    assert (pack_signs(contents.user_embeddings) == pack_signs(embeddings.users.numpy())).all()
    release = small_recipe.release.model_copy(update={"embeddings": "float32"})
    single = release_contents(
        embeddings, clustered, small_recipe.model_copy(update={"release": release})
    )
    assert single.user_embeddings.dtype == np.float32


def test_summed_messages_are_the_propagated_part_of_a_user(clustered, small_recipe, trained):
    """A user's embedding minus its free part is the scaled sum of its items' messages."""
    embeddings = trained.embeddings()
    layers = small_recipe.encoder.layers
    contents = release_contents(embeddings, clustered, small_recipe)
    messages = contents.fold_in_messages.astype(np.float64)
    for user in (0, 17):
        free = trained.model.users.detach()[user] / (layers + 1)
        propagated = (embeddings.users[user] - free).double().numpy()
        summed = messages[contents.seen[user]].sum(0)
        cosine = propagated @ summed / np.linalg.norm(propagated) / np.linalg.norm(summed)
        assert cosine == pytest.approx(1, abs=1e-4)


def test_the_message_is_the_item_itself_without_propagation():
    items = torch.tensor([[2.0, -2.0], [4.0, 4.0]])
    messages = fold_in_messages([items], np.array([4, 16]))
    np.testing.assert_allclose(messages, [[1, -1], [1, 1]])
