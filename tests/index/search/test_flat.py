"""Exactness in hard cases: many equal codes, ties at the last place, few and many exclusions.

Small cases and random ones are in ``test_conformance.py``.
"""

import gc
from collections.abc import Iterator

import faiss
import numpy as np
import pytest

from bitrecall.index.search.flat import FlatBackend

pytestmark = pytest.mark.slow

ITEMS = 3000


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(request.param)
    yield request.param
    faiss.omp_set_num_threads(before)


def reference(codes: np.ndarray, query: np.ndarray, k: int, exclude: np.ndarray) -> np.ndarray:
    distances = np.bitwise_count(codes ^ query).sum(axis=1, dtype=np.int64)
    rows = np.lexsort((np.arange(len(codes)), distances))
    rows = rows[~np.isin(rows, exclude)][:k]
    return np.stack([distances[rows], rows])


def tied_codes(items: int, width: int, seed: int = 0) -> np.ndarray:
    """Return codes with at most one bit set per byte: few distances, thousands of ties at each."""
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([0, 0, 0, 1], np.uint8), (items, width))


@pytest.mark.parametrize("width", [1, 4, 5, 8, 32, 96])
@pytest.mark.parametrize("k", [1, 20, 1000, ITEMS])
def test_ties_at_the_last_place_go_to_the_smallest_rows(width: int, k: int, threads: int) -> None:
    codes = tied_codes(ITEMS, width)
    queries = tied_codes(70, width, seed=1)
    # From none to all rows, below and above the number at which FAISS gets a selector.
    rng = np.random.default_rng(2)
    sizes = [0, 1, 30, 255, 256, 257, 1000, ITEMS - 5, ITEMS - 1, ITEMS]
    exclude = [rng.choice(ITEMS, sizes[i % len(sizes)], replace=False) for i in range(70)]
    no_rows = [np.empty(0, np.int64)] * 70
    built = FlatBackend.build(codes)
    for excluded, results in (
        (no_rows, built.search(queries, k)),
        (exclude, built.search(queries, k, exclude)),
    ):
        for query in range(0, 70, 3):
            expected = reference(codes, queries[query], k, excluded[query])
            count = expected.shape[1]
            assert np.array_equal(results[0][query, :count], expected[0])
            assert np.array_equal(results[1][query, :count], expected[1])
            assert (results[0][query, count:] == -1).all()
            assert (results[1][query, count:] == -1).all()
            alone = built.search(queries[query : query + 1], k, [excluded[query]])
            assert np.array_equal(
                (alone[0][0], alone[1][0]), (results[0][query], results[1][query])
            )


def test_ties_go_to_the_smallest_rows_across_blocks_of_faiss(threads: int) -> None:
    """FAISS scans 65,536 codes at a time: here ties extend from one block into the next."""
    codes = np.zeros((150_000, 2), np.uint8)
    codes[::2] = 255
    built = FlatBackend.build(codes)
    queries = np.zeros((3, 2), np.uint8)
    exclude = [np.arange(1, 140_001, 2), np.array([1, 5]), np.arange(1, 400, 2)]
    _, rows = built.search(queries, 40_000, exclude)
    odd = np.arange(1, 150_000, 2)
    for query, excluded in enumerate(exclude):
        allowed = odd[~np.isin(odd, excluded)]
        expected = np.concatenate([allowed, np.arange(0, 150_000, 2)])[:40_000]
        assert np.array_equal(rows[query], expected)


def test_the_index_outlives_the_array_it_was_built_from() -> None:
    codes = tied_codes(500, 4)
    built = FlatBackend.build(codes.copy())
    gc.collect()
    _, rows = built.search(codes[:1], 500, [np.arange(300)])
    assert np.array_equal(rows[0, :200], reference(codes, codes[0], 200, np.arange(300))[1])


def test_does_not_change_its_arguments() -> None:
    codes, exclude = tied_codes(50, 2), [np.array([7, 3, 3])]
    query = codes[:1].copy()
    FlatBackend.build(codes).search(query, 5, exclude)
    assert exclude[0].tolist() == [7, 3, 3]
    assert np.array_equal(query, codes[:1])
