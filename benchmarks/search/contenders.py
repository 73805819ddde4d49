"""The contenders of the search benchmark: our backends and common alternatives.

Each is built from the same items and answers the same users, on one thread. Code-based contenders
use the 256 bits. Float contenders use 64 dimensions, as a LightGCN would: the leading principal
components of the ±1 codes, so that the nearest neighbours are similar.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import faiss
import numpy as np

from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.index_selection import build_index
from bitrecall.index.search.milvus.backend import MilvusBackend
from bitrecall.index.search.milvus.collection import Facts, Held, write_collection
from bitrecall.index.search.milvus.server import MilvusServer
from bitrecall.index.search.packing import unpack_signs

DIMENSIONS = 64
RECALL = 0.98

# Queries (b, …) and k to distances (b, k), the smaller the nearer.
Search = Callable[[np.ndarray, int], np.ndarray]


@dataclass
class Contender:
    """A built index.

    ``queries`` is the input of ``search``; ``exact`` names the contender with the true distances;
    ``bytes_an_item`` is the size of all stored data, divided by the number of items.
    """

    name: str
    search: Search
    queries: np.ndarray
    exact: str
    build_seconds: float
    bytes_an_item: float
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Things:
    """The items and queries: codes, and their float vectors if there are any."""

    items: np.ndarray
    users: np.ndarray
    item_vectors: Any
    user_vectors: Any


def things(items: np.ndarray, users: np.ndarray, *, vectors: bool) -> Things:
    """Codes uint8 (n, w) and (m, w), and their principal components, float32 (n, 64), (m, 64)."""
    if not vectors:
        return Things(items, users, None, None)
    rng = np.random.default_rng(0)
    some = unpack_signs(items[rng.choice(len(items), min(len(items), 20_000), replace=False)])
    centred = some - some.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    projection = directions[:, -DIMENSIONS:].astype(np.float32)

    def project(codes: np.ndarray) -> np.ndarray:
        parts = np.array_split(codes, max(1, len(codes) // 100_000))
        return np.concatenate(
            [unpack_signs(part).astype(np.float32) @ projection for part in parts]
        )

    return Things(items, users, project(items), project(users))


def ours(name: str) -> Callable[[Things], Contender]:
    """Build one of our backends, tuned as publishing tunes it."""

    def build(given: Things) -> Contender:
        begun = time.perf_counter()
        built = build_index(name, {}, given.items, given.users[:500], RECALL).built
        took = time.perf_counter() - begun
        size = _bytes(built)
        return Contender(
            f"ours, {name}",
            lambda queries, k: built.search(queries, k)[0],
            given.users,
            "ours, flat",
            took,
            size / len(given.items),
            dict(built.parameters),
        )

    return build


def faiss_flat(given: Things) -> Contender:
    """FAISS's IndexBinaryFlat: a scan with a heap."""
    index = faiss.IndexBinaryFlat(8 * given.items.shape[1])
    begun = time.perf_counter()
    index.add(given.items)
    took = time.perf_counter() - begun
    return Contender(
        "FAISS binary flat",
        lambda queries, k: index.search(queries, k)[0],
        given.users,
        "ours, flat",
        took,
        given.items.shape[1],
    )


def binary_multi_hash(given: Things) -> Contender:
    """FAISS's IndexBinaryMultiHash, with as many flips as the target recall needs."""
    items = len(given.items)
    bits = max(8, int(np.log2(items)) - 2)
    index = faiss.IndexBinaryMultiHash(8 * given.items.shape[1], 8, bits)
    begun = time.perf_counter()
    index.add(given.items)
    took = time.perf_counter() - begun
    # A step more takes several times as long; three already look into most of the catalogue.
    index.nflip = 2
    size = given.items.nbytes + 8 * 8 * items
    return Contender(
        "FAISS binary multi-hash",
        lambda queries, k: index.search(queries, k)[0],
        given.users,
        "ours, flat",
        took,
        size / items,
        {"hashes": 8, "bits": bits, "flips": index.nflip},
    )


def float_flat(given: Things) -> Contender:
    """FAISS's IndexFlatIP."""
    index = faiss.IndexFlatIP(DIMENSIONS)
    begun = time.perf_counter()
    index.add(given.item_vectors)
    took = time.perf_counter() - begun
    return _of_vectors("FAISS float flat", index, given, took, 4 * DIMENSIONS, {})


def float_hnsw(given: Things) -> Contender:
    """FAISS's IndexHNSWFlat."""
    index = faiss.IndexHNSWFlat(DIMENSIONS, 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    begun = time.perf_counter()
    index.add(given.item_vectors)
    took = time.perf_counter() - begun
    index.hnsw.efSearch = 256
    size = 4 * DIMENSIONS + 4 * 2 * 16
    return _of_vectors("FAISS float HNSW", index, given, took, size, {"M": 16, "efSearch": 256})


def usearch_binary(given: Things) -> Contender:
    """USearch over the bits, by Hamming distance."""
    from usearch.index import Index, MetricKind, ScalarKind

    index = Index(
        ndim=8 * given.items.shape[1],
        metric=MetricKind.Hamming,
        dtype=ScalarKind.B1,
        connectivity=16,
        expansion_add=100,
        expansion_search=256,
    )
    begun = time.perf_counter()
    index.add(np.arange(len(given.items)), given.items, threads=1)
    took = time.perf_counter() - begun

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        found: np.ndarray = index.search(queries, k, threads=1).distances
        return found.reshape(len(queries), -1)

    size = index.memory_usage / len(given.items)
    return Contender("USearch binary", search, given.users, "ours, flat", took, size)


def usearch_half(given: Things) -> Contender:
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
    begun = time.perf_counter()
    index.add(np.arange(len(given.items)), given.item_vectors, threads=1)
    took = time.perf_counter() - begun

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        found: np.ndarray = index.search(queries, k, threads=1).distances
        return found.reshape(len(queries), -1) - 1

    size = index.memory_usage / len(given.items)
    return Contender("USearch f16", search, given.user_vectors, "FAISS float flat", took, size)


def hnswlib(given: Things) -> Contender:
    """Hnswlib over 64 dimensions."""
    import hnswlib as library

    index = library.Index(space="ip", dim=DIMENSIONS)
    index.init_index(max_elements=len(given.items), M=16, ef_construction=100, random_seed=0)
    index.set_num_threads(1)
    begun = time.perf_counter()
    index.add_items(given.item_vectors)
    took = time.perf_counter() - begun
    index.set_ef(256)

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        found: np.ndarray = index.knn_query(queries, k, num_threads=1)[1]
        return found - 1

    size = index.index_file_size() / len(given.items)
    return Contender("hnswlib", search, given.user_vectors, "FAISS float flat", took, size)


def milvus(given: Things) -> Contender:
    """Our backend on the Milvus server whose URL is in the variable MILVUS."""
    if "MILVUS" not in os.environ:
        raise ImportError("the variable MILVUS names no server")
    server = MilvusServer(os.environ["MILVUS"], seconds=60.0)
    items, width = given.items.shape
    facts = Facts(Held("benchmark", items, 8 * width))
    name = f"benchmark_{items}"
    begun = time.perf_counter()
    server.work(lambda client, seconds: client.drop_collection(name, timeout=seconds))
    write_collection(server, name, given.items, facts)
    took = time.perf_counter() - begun
    built = MilvusBackend(server, name, facts.held, facts)
    return Contender(
        "ours, Milvus",
        lambda queries, k: built.search(queries, k)[0],
        given.users,
        "ours, flat",
        took,
        float("nan"),
        {"index": "BIN_FLAT"},
    )


CONTENDERS: dict[str, Callable[[Things], Contender]] = {
    "flat": ours("flat"),
    "hnsw": ours("hnsw"),
    "ivf": ours("ivf"),
    "faiss-flat": faiss_flat,
    "milvus": milvus,
    "multi-hash": binary_multi_hash,
    "float-flat": float_flat,
    "float-hnsw": float_hnsw,
    "usearch-binary": usearch_binary,
    "usearch-f16": usearch_half,
    "hnswlib": hnswlib,
}
OF_VECTORS = {"float-flat", "float-hnsw", "usearch-f16", "hnswlib"}


def _of_vectors(
    name: str, index: Any, given: Things, took: float, size: float, settings: dict[str, Any]
) -> Contender:
    def search(queries: np.ndarray, k: int) -> np.ndarray:
        found: np.ndarray = -index.search(queries, k)[0]
        return found

    return Contender(name, search, given.user_vectors, "FAISS float flat", took, size, settings)


def _bytes(built: Any) -> int:
    """Return the size of the codes and of what a backend would save in addition."""
    if isinstance(built, FlatBackend):
        return int(built._codes.nbytes)
    return int(faiss.serialize_index_binary(built._index).size)
