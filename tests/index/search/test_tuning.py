import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.errors import SearchError
from bitrecall.index.search.tuning import recall_by_distance, sample_queries, smallest_effort


@given(needed=st.integers(1, 3000), limit=st.integers(1, 2000))
def test_returns_the_smallest_sufficient_effort(needed: int, limit: int) -> None:
    tried = []

    def is_sufficient(effort: int) -> bool:
        tried.append(effort)
        return effort >= needed

    assert smallest_effort(is_sufficient, limit) == min(needed, limit)
    assert len(tried) <= 2 * limit.bit_length() + 1


def test_rejects_a_limit_below_one() -> None:
    with pytest.raises(SearchError, match="at least 1"):
        smallest_effort(lambda effort: True, 0)


def test_recall_counts_every_tie_as_right() -> None:
    exact = np.array([[1, 2, 5], [0, 3, 3]], np.int32)
    assert recall_by_distance(exact, exact) == 1
    # 5 is as near as the last item of the first query; 4 is farther than 3.
    assert recall_by_distance(np.array([[1, 5, 5], [0, 3, 4]], np.int32), exact) == 5 / 6
    assert recall_by_distance(np.array([[1, -1, -1], [-1, -1, -1]], np.int32), exact) == 1 / 6


def test_recall_ignores_padding() -> None:
    exact = np.array([[1, 2, -1], [-1, -1, -1]], np.int32)
    assert recall_by_distance(np.array([[1, 3, -1], [-1, -1, -1]], np.int32), exact) == 0.5
    assert recall_by_distance(np.empty((0, 3), np.int32), np.empty((0, 3), np.int32)) == 1


def test_samples_the_same_queries_every_time() -> None:
    embeddings = np.random.default_rng(0).standard_normal((50, 16))
    sample = sample_queries(embeddings, 10)
    assert (sample.shape, sample.dtype) == ((10, 2), np.uint8)
    assert np.array_equal(sample, sample_queries(embeddings, 10))
    assert len(sample_queries(embeddings)) == 50
