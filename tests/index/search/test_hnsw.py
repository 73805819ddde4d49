from pathlib import Path

import faiss
import numpy as np
import pytest

from bitrecall.index.errors import SearchError
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.hnsw import HnswBackend


def clustered(items: int, seed: int = 0) -> np.ndarray:
    """64-bit codes around 40 centres, as learned codes are."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 256, (40, 8), dtype=np.uint8)
    noise = np.packbits(rng.random((items, 64)) < 0.1, axis=1)
    return np.asarray(centres[rng.integers(0, 40, items)] ^ noise)


def test_finds_nearly_all_results_of_an_exact_search() -> None:
    codes, rng = clustered(3000), np.random.default_rng(1)
    exclude = [rng.choice(3000, 30) for _ in range(50)]
    approximate, _ = HnswBackend.build(codes).search(codes[:50], 50, exclude)
    exact, _ = FlatBackend.build(codes).search(codes[:50], 50, exclude)
    assert np.mean(approximate == exact) > 0.95


def test_searches_the_graph_and_not_all_codes() -> None:
    """With a single candidate the graph must miss items; an exact scan would not."""
    codes = np.random.default_rng(0).integers(0, 256, (2000, 8), dtype=np.uint8)
    narrow = HnswBackend.build(codes, m=2, ef_construction=2, ef_search=1)
    approximate, _ = narrow.search(codes[:100] ^ np.uint8(3), 5)
    exact, _ = FlatBackend.build(codes).search(codes[:100] ^ np.uint8(3), 5)
    assert (approximate > exact).any()
    assert not (approximate < exact).any()


def test_returns_items_with_the_same_code_in_order() -> None:
    codes = np.repeat(clustered(400), 5, axis=0)[np.random.default_rng(2).permutation(2000)]
    _, rows = HnswBackend.build(codes, ef_search=16).search(codes[:1], 5)
    assert rows[0].tolist() == np.flatnonzero((codes == codes[0]).all(axis=1))[:5].tolist()


def test_fills_the_results_if_all_near_items_are_excluded() -> None:
    codes = clustered(2000)
    near = FlatBackend.build(codes).search(codes[:1], 500)[1][0]
    distances, rows = HnswBackend.build(codes, ef_search=8).search(codes[:1], 20, [near])
    assert not np.isin(rows, near).any()
    assert (rows >= 0).all()
    assert (distances >= 0).all()


def test_the_graph_skips_excluded_rows() -> None:
    codes = clustered(2000)
    near = np.unique(FlatBackend.build(codes).search(codes[:1], 500)[1][0])
    _, rows = HnswBackend.build(codes)._search_graph(codes[:1], 128, near, None)
    assert len(rows) >= 128
    assert not np.isin(rows, near).any()


def test_the_graph_does_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    codes, before = clustered(3000), faiss.omp_get_max_threads()
    try:
        for threads in (1, 8):
            faiss.omp_set_num_threads(threads)
            HnswBackend.build(codes).save(tmp_path / str(threads))
    finally:
        faiss.omp_set_num_threads(before)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "8").read_bytes()


def test_searches_exactly_if_the_graph_returns_too_few() -> None:
    """Without links, the graph finds its entry point alone."""
    codes = clustered(500)
    built = HnswBackend.build(codes, ef_search=4)
    neighbours = built._index.hnsw.neighbors
    faiss.copy_array_to_vector(np.full(neighbours.size(), -1, np.int32), neighbours)
    results = built.search(codes[:3], 20, [np.array([0, 1, 2])] * 3)
    exact = FlatBackend.build(codes).search(codes[:3], 20, [np.array([0, 1, 2])] * 3)
    assert np.array_equal(results, exact)


def test_searches_a_catalogue_with_a_single_distinct_code() -> None:
    codes = np.ones((300, 2), np.uint8)
    _, rows = HnswBackend.build(codes).search(codes[:1], 4, [np.array([0, 2])])
    assert rows.tolist() == [[1, 3, 4, 5]]


def test_leaves_the_number_of_threads_unchanged() -> None:
    before = faiss.omp_get_max_threads()
    HnswBackend.build(clustered(50)).search(clustered(2), 3)
    assert faiss.omp_get_max_threads() == before


def test_fills_in_defaults() -> None:
    built = HnswBackend.build(clustered(10), ef_search=7)
    assert built.parameters == {"m": 16, "ef_construction": 100, "ef_search": 7}


@pytest.mark.parametrize("parameters", [{"m": 1}, {"ef_search": 0}, {"ef_construction": 2.5}])
def test_rejects_parameters_out_of_range(parameters: dict[str, int]) -> None:
    with pytest.raises(SearchError, match=next(iter(parameters))):
        HnswBackend.build(clustered(10), **parameters)
