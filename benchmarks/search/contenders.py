"""The contenders of the search benchmark: our backends and common alternatives.

Each is built from the same items and answers the same users, on one thread. Code-based contenders
use the 256 bits. Float contenders use 64 dimensions, like a LightGCN: the leading principal
components of the ±1 codes, so that the nearest neighbours are similar.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import faiss

from benchmarks.search.contender import Contender, SearchData
from benchmarks.search.faiss_contenders import (
    binary_multi_hash,
    faiss_flat,
    float_flat,
    float_hnsw,
)
from benchmarks.search.library_contenders import hnswlib, usearch_binary, usearch_half
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.index_selection import build_index
from bitrecall.index.search.milvus.backend import MilvusBackend
from bitrecall.index.search.milvus.collection import (
    CodesFingerprint,
    CollectionInfo,
    write_collection,
)
from bitrecall.index.search.milvus.server import MilvusServer

# Recall that our approximate backends are tuned to.
RECALL = 0.98


def ours(name: str) -> Callable[[SearchData], Contender]:
    """Return a builder of one of our backends, tuned as by publishing."""

    def build(data: SearchData) -> Contender:
        started = time.perf_counter()
        built = build_index(name, {}, data.items, data.users[:500], RECALL).built
        elapsed = time.perf_counter() - started
        size = _bytes(built)
        return Contender(
            f"ours, {name}",
            lambda queries, k: built.search(queries, k)[0],
            data.users,
            "ours, flat",
            elapsed,
            size / len(data.items),
            dict(built.parameters),
        )

    return build


def milvus(data: SearchData) -> Contender:
    """Build our Milvus backend on the server whose URL is in the variable MILVUS."""
    if "MILVUS" not in os.environ:
        raise ImportError("set MILVUS to the URL of a Milvus server")
    server = MilvusServer(os.environ["MILVUS"], timeout=60.0)
    items, width = data.items.shape
    info = CollectionInfo(CodesFingerprint("benchmark", items, 8 * width))
    name = f"benchmark_{items}"
    started = time.perf_counter()
    server.run(lambda client, timeout: client.drop_collection(name, timeout=timeout))
    write_collection(server, name, data.items, info)
    elapsed = time.perf_counter() - started
    built = MilvusBackend(server, name, info.fingerprint, info)
    return Contender(
        "ours, Milvus",
        lambda queries, k: built.search(queries, k)[0],
        data.users,
        "ours, flat",
        elapsed,
        float("nan"),
        {"index": "BIN_FLAT"},
    )


CONTENDERS: dict[str, Callable[[SearchData], Contender]] = {
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
FLOAT_CONTENDERS = {"float-flat", "float-hnsw", "usearch-f16", "hnswlib"}


def _bytes(built: Any) -> int:
    """Return the size of the codes, or of the index that a backend would save."""
    if isinstance(built, FlatBackend):
        return int(built._codes.nbytes)
    return int(faiss.serialize_index_binary(built._index).size)
