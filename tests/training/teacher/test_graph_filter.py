import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.graph_filter import GraphFilterScorer


def random_matrix(n_users: int = 40, n_items: int = 30, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (generator.random((n_users, n_items)) < 0.2).astype(np.float64)


def scored(matrix: np.ndarray, users: np.ndarray | None = None, **chosen) -> np.ndarray:
    sparse = sp.csr_matrix(matrix, dtype=np.float32)
    users = np.arange(len(matrix)) if users is None else users
    return GraphFilterScorer(sparse, TeacherRecipe(**chosen), seed=0).scores(users).numpy()


def own_units(scores: np.ndarray) -> np.ndarray:
    size = np.sqrt((scores**2).mean(1, keepdims=True))
    return scores / np.where(size > 0, size, 1)


def reference(matrix: np.ndarray, recipe: TeacherRecipe) -> np.ndarray:
    """The formula of the module, dense and in float64."""
    users, items = np.maximum(matrix.sum(1), 1), np.maximum(matrix.sum(0), 1)
    scaled = users[:, None] ** -recipe.user_power * matrix * items**-recipe.item_power
    gram = scaled.T @ scaled
    vectors = np.linalg.svd(scaled, full_matrices=False)[2][: recipe.rank].T
    popularity = items**recipe.low_pass_power
    ideal = (matrix / popularity) @ vectors @ vectors.T * popularity
    lean = items**recipe.linear_power
    return (
        own_units((matrix / lean) @ gram * lean)
        + recipe.low_pass * own_units(ideal)
        - recipe.sharpen * own_units((matrix / lean) @ gram @ gram * lean)
    )


@pytest.mark.parametrize(
    "chosen",
    [
        {"low_pass": 0.0},
        {"low_pass": 0.0, "linear_power": 0.7},
        {"low_pass": 0.0, "user_power": 0.5, "item_power": 0.1, "sharpen": 0.7},
        {"rank": 30, "low_pass": 0.3, "low_pass_power": 0.5},
        {"rank": 30, "low_pass": 2.0, "sharpen": 0.2, "user_power": 0.0},
        # Fewer directions than the matrix has: the first ones, whose values differ clearly.
        {"rank": 1, "low_pass": 1.0, "low_pass_power": 0.25},
        {"rank": 100, "low_pass": 1.0, "low_pass_power": 0.0},
    ],
)
@pytest.mark.parametrize("shape", [(40, 30), (30, 40)])
def test_the_filter_equals_dense_algebra(shape, chosen):
    matrix = random_matrix(*shape)
    expected = reference(matrix, TeacherRecipe(**chosen))
    np.testing.assert_allclose(scored(matrix, **chosen), expected, rtol=2e-3, atol=2e-3)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None, max_examples=30)
def test_any_matrix_and_exponents(seed, density, user_power, item_power):
    generator = np.random.default_rng(seed)
    matrix = (generator.random(generator.integers(1, 9, 2)) < density).astype(np.float64)
    chosen = {
        "user_power": user_power,
        "item_power": item_power,
        "low_pass": 0.0,
        "sharpen": 0.5,
    }
    expected = reference(matrix, TeacherRecipe(**chosen))
    np.testing.assert_allclose(scored(matrix, **chosen), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("sharpen", [0.0, 0.5])
def test_all_neighbours_give_the_exact_product(sharpen):
    matrix = random_matrix()
    exact = scored(matrix, rank=5, sharpen=sharpen)
    pruned = scored(matrix, rank=5, sharpen=sharpen, neighbours=30)
    np.testing.assert_allclose(pruned, exact, rtol=1e-4, atol=1e-4)


def test_few_neighbours_keep_the_strongest():
    matrix = random_matrix()
    scores = scored(matrix, low_pass=0.0, sharpen=0.0, neighbours=2)
    reached = (scores != 0).sum(1)
    assert (reached <= 3 * matrix.sum(1)).all()
    assert reached.sum() < (scored(matrix, low_pass=0.0, sharpen=0.0) != 0).sum()


def test_scores_do_not_depend_on_the_other_users_of_a_batch():
    matrix = random_matrix()
    chosen = {"rank": 5, "sharpen": 0.3}
    together = scored(matrix, **chosen)
    users = np.array([17, 3, 39])
    np.testing.assert_allclose(scored(matrix, users, **chosen), together[users], rtol=1e-4)


def test_rank_0_has_no_low_pass_part():
    matrix = random_matrix()
    np.testing.assert_array_equal(scored(matrix, rank=0), scored(matrix, low_pass=0.0))


def test_a_user_without_pairs_has_scores_of_0():
    matrix = random_matrix()
    matrix[4] = 0
    scores = scored(matrix, rank=5, sharpen=0.3)
    assert not scores[4].any()
    assert np.isfinite(scores).all()


def test_scores_depend_on_the_seed():
    matrix = sp.csr_matrix(random_matrix(), dtype=np.float32)
    recipe, users = TeacherRecipe(rank=5), np.arange(40)
    first, second, other = (
        GraphFilterScorer(matrix, recipe, seed=seed).scores(users).numpy() for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
