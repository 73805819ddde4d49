"""Contenders of FAISS: exact and approximate indexes over the codes and over floats."""

import time
from typing import Any

import faiss
import numpy as np

from benchmarks.search.contender import DIMENSIONS, Contender, SearchData


def faiss_flat(data: SearchData) -> Contender:
    """FAISS's IndexBinaryFlat: a scan with a heap."""
    index = faiss.IndexBinaryFlat(8 * data.items.shape[1])
    started = time.perf_counter()
    index.add(data.items)
    elapsed = time.perf_counter() - started
    return Contender(
        "FAISS binary flat",
        lambda queries, k: index.search(queries, k)[0],
        data.users,
        "ours, flat",
        elapsed,
        data.items.shape[1],
    )


def binary_multi_hash(data: SearchData) -> Contender:
    """FAISS's IndexBinaryMultiHash with two flips."""
    items = len(data.items)
    bits = max(8, int(np.log2(items)) - 2)
    index = faiss.IndexBinaryMultiHash(8 * data.items.shape[1], 8, bits)
    started = time.perf_counter()
    index.add(data.items)
    elapsed = time.perf_counter() - started
    # One more flip takes several times as long; three already visit most of the catalogue.
    index.nflip = 2
    size = data.items.nbytes + 8 * 8 * items
    return Contender(
        "FAISS binary multi-hash",
        lambda queries, k: index.search(queries, k)[0],
        data.users,
        "ours, flat",
        elapsed,
        size / items,
        {"hashes": 8, "bits": bits, "flips": index.nflip},
    )


def float_flat(data: SearchData) -> Contender:
    """FAISS's IndexFlatIP: exact, over floats."""
    index = faiss.IndexFlatIP(DIMENSIONS)
    started = time.perf_counter()
    index.add(data.item_vectors)
    elapsed = time.perf_counter() - started
    return _of_vectors("FAISS float flat", index, data, elapsed, 4 * DIMENSIONS, {})


def float_hnsw(data: SearchData) -> Contender:
    """FAISS's IndexHNSWFlat: a graph over floats."""
    index = faiss.IndexHNSWFlat(DIMENSIONS, 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    started = time.perf_counter()
    index.add(data.item_vectors)
    elapsed = time.perf_counter() - started
    index.hnsw.efSearch = 256
    size = 4 * DIMENSIONS + 4 * 2 * 16
    return _of_vectors("FAISS float HNSW", index, data, elapsed, size, {"M": 16, "efSearch": 256})


def _of_vectors(
    name: str, index: Any, data: SearchData, elapsed: float, size: float, settings: dict[str, Any]
) -> Contender:
    def search(queries: np.ndarray, k: int) -> np.ndarray:
        distances: np.ndarray = -index.search(queries, k)[0]
        return distances

    return Contender(name, search, data.user_vectors, "FAISS float flat", elapsed, size, settings)
