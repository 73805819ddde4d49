"""Contenders of other libraries: USearch and hnswlib, imported only if they are measured."""

import time

import numpy as np

from benchmarks.search.contender import DIMENSIONS, Contender, SearchData


def usearch_binary(data: SearchData) -> Contender:
    """USearch over the bits, by Hamming distance."""
    from usearch.index import Index, MetricKind, ScalarKind

    index = Index(
        ndim=8 * data.items.shape[1],
        metric=MetricKind.Hamming,
        dtype=ScalarKind.B1,
        connectivity=16,
        expansion_add=100,
        expansion_search=256,
    )
    started = time.perf_counter()
    index.add(np.arange(len(data.items)), data.items, threads=1)
    elapsed = time.perf_counter() - started

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        distances: np.ndarray = index.search(queries, k, threads=1).distances
        return distances.reshape(len(queries), -1)

    size = index.memory_usage / len(data.items)
    return Contender("USearch binary", search, data.users, "ours, flat", elapsed, size)


def usearch_half(data: SearchData) -> Contender:
    """USearch over 64 dimensions in half precision."""
    from usearch.index import Index, MetricKind, ScalarKind

    index = Index(
        ndim=DIMENSIONS,
        metric=MetricKind.IP,
        dtype=ScalarKind.F16,
        connectivity=16,
        expansion_add=100,
        expansion_search=256,
    )
    started = time.perf_counter()
    index.add(np.arange(len(data.items)), data.item_vectors, threads=1)
    elapsed = time.perf_counter() - started

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        distances: np.ndarray = index.search(queries, k, threads=1).distances
        return distances.reshape(len(queries), -1) - 1

    size = index.memory_usage / len(data.items)
    return Contender("USearch f16", search, data.user_vectors, "FAISS float flat", elapsed, size)


def hnswlib(data: SearchData) -> Contender:
    """Hnswlib over 64 dimensions."""
    import hnswlib as library

    index = library.Index(space="ip", dim=DIMENSIONS)
    index.init_index(max_elements=len(data.items), M=16, ef_construction=100, random_seed=0)
    index.set_num_threads(1)
    started = time.perf_counter()
    index.add_items(data.item_vectors)
    elapsed = time.perf_counter() - started
    index.set_ef(256)

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        distances: np.ndarray = index.knn_query(queries, k, num_threads=1)[1]
        return distances - 1

    size = index.index_file_size() / len(data.items)
    return Contender("hnswlib", search, data.user_vectors, "FAISS float flat", elapsed, size)
