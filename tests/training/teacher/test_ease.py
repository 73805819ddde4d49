import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.errors import TrainingError
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher import ease
from bitrecall.training.teacher.ease import EaseScorer


def random_matrix(n_users: int, n_items: int, seed: int = 0, density: float = 0.2) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (generator.random((n_users, n_items)) < density).astype(np.float64)


def scored(matrix: np.ndarray, users: np.ndarray | None = None, **chosen) -> np.ndarray:
    recipe = TeacherRecipe(kind="ease", **chosen)
    teacher = EaseScorer(sp.csr_matrix(matrix, dtype=np.float32), recipe, seed=0)
    return teacher.scores(np.arange(len(matrix)) if users is None else users).numpy()


def weights(matrix: np.ndarray, regularisation: float, rank: int = 0) -> np.ndarray:
    """Return B as in Steck's listing: the inverse divided by its diagonal, with a zero diagonal."""
    gram = matrix.T @ matrix
    if rank:
        values, vectors = np.linalg.eigh(gram)
        gram = (vectors[:, -rank:] * values[-rank:]) @ vectors[:, -rank:].T
    inverse = np.linalg.inv(gram + regularisation * np.eye(len(gram)))
    found = -inverse / np.diag(inverse)
    np.fill_diagonal(found, 0)
    return found


# With more items than users, the users' matrix is inverted, otherwise the items' matrix.
@pytest.mark.parametrize("shape", [(20, 35), (35, 20), (25, 25)])
@pytest.mark.parametrize("regularisation", [0.5, 20.0])
def test_both_sides_give_the_closed_form(shape, regularisation):
    matrix = random_matrix(*shape)
    expected = matrix @ weights(matrix, regularisation)
    found = scored(matrix, regularisation=regularisation)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0.1, 1000))
@settings(deadline=None, max_examples=30)
def test_any_matrix(seed, density, regularisation):
    shape = np.random.default_rng(seed).integers(1, 9, 2)
    matrix = random_matrix(*shape, seed, density)  # type: ignore[call-arg]
    expected = matrix @ weights(matrix, regularisation)
    found = scored(matrix, regularisation=regularisation)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("others", [5, 40])
def test_an_item_does_not_score_itself(others):
    matrix = random_matrix(others, 20)
    # Users with one item each: the scores are that item's row of B.
    alone = np.vstack([matrix, np.eye(20)])
    found = scored(alone, np.arange(others, others + 20), regularisation=3.0)
    np.testing.assert_allclose(np.diag(found), 0, atol=1e-5)
    np.testing.assert_allclose(found, weights(alone, 3.0), rtol=1e-3, atol=1e-5)


def test_truncation_keeps_the_leading_directions():
    matrix = random_matrix(40, 30)
    # Two blocks of users with separate tastes give two leading directions.
    matrix[:20, :10] = matrix[20:, 15:25] = 1
    expected = matrix @ weights(matrix, 5.0, rank=2)
    found = scored(matrix, regularisation=5.0, ease_rank=2)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("shape", [(40, 30), (30, 40)])
def test_truncation_to_full_rank_is_exact(shape):
    matrix = random_matrix(*shape)
    exact = scored(matrix, regularisation=2.0)
    found = scored(matrix, regularisation=2.0, ease_rank=50)
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-3)


def test_rejects_a_matrix_too_large_to_invert(monkeypatch):
    monkeypatch.setattr(ease, "MAX_ROWS", 10)
    with pytest.raises(TrainingError, match=r"11 users and 12 items.*teacher\.ease_rank"):
        scored(random_matrix(11, 12))
    assert np.isfinite(scored(random_matrix(10, 30))).all()
    assert np.isfinite(scored(random_matrix(11, 12), ease_rank=4)).all()
