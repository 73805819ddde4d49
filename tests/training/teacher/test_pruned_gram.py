import numpy as np
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.teacher.pruned_gram import pruned_gram


@st.composite
def weighted_matrices(draw) -> np.ndarray:
    """Non-negative matrices with few distinct entries, so that products are often equal."""
    shape = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kept = generator.random(shape) < draw(st.floats(0, 1))
    return kept * generator.choice([0.5, 1.0, 2.0], size=shape)


def pruned_densely(matrix: np.ndarray, neighbours: int) -> np.ndarray:
    gram = matrix.T @ matrix
    for row, entries in enumerate(gram):
        others = [column for column in range(len(gram)) if column != row]
        others.sort(key=lambda column: (-entries[column], column))
        entries[others[neighbours:]] = 0
    return gram


@given(weighted_matrices(), st.integers(0, 9), st.integers(1, 200))
@settings(deadline=None, max_examples=40)
def test_each_row_keeps_itself_and_its_strongest_others(matrix, neighbours, max_products):
    sparse = sp.csr_matrix(matrix, dtype=np.float32)
    found = pruned_gram(sparse, neighbours, max_products)
    np.testing.assert_allclose(found.toarray(), pruned_densely(matrix, neighbours), rtol=1e-6)
    assert (np.diff(found.indptr) <= neighbours + 1).all()


@given(weighted_matrices())
@settings(deadline=None, max_examples=20)
def test_as_many_neighbours_as_items_give_the_full_product(matrix):
    sparse = sp.csr_matrix(matrix, dtype=np.float32)
    found = pruned_gram(sparse, matrix.shape[1])
    np.testing.assert_allclose(found.toarray(), matrix.T @ matrix, rtol=1e-6)


def test_no_items():
    assert pruned_gram(sp.csr_matrix((3, 0), dtype=np.float32), 5).shape == (0, 0)
