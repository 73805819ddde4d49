"""The contract of search backends: the backends under test, and a check of any search."""

import hashlib
from collections.abc import Callable
from itertools import product
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import strategies as st

from bitrecall.index.search.milvus.backend import MAX_LIMIT, MilvusBackend
from bitrecall.index.search.milvus.collection import (
    CodesFingerprint,
    CollectionInfo,
    read_info,
    write_collection,
)
from bitrecall.index.search.milvus.server import MilvusServer
from bitrecall.index.search.packing import hamming_distances
from bitrecall.index.search.protocol import SearchBackend
from bitrecall.index.search.registry import backend

# The narrow HNSW keeps so few candidates, and Milvus with lists searches so few lists, that they
# miss items even in a small catalogue. They are tested on the contract alone, not on exact results.
STORED: dict[str, tuple[str, dict[str, int]]] = {
    "flat": ("flat", {}),
    "hnsw": ("hnsw", {}),
    "ivf": ("ivf", {"nprobe": 4}),
    "ivf narrow": ("ivf", {"nlist": 1, "nprobe": 1}),
    "hnsw narrow": ("hnsw", {"m": 2, "ef_construction": 4, "ef_search": 1}),
}
MILVUS: dict[str, dict[str, int]] = {
    "milvus": {},
    # Returns so few rows per request that results are merged from several.
    "milvus in parts": {"limit": 8},
    "milvus lists": {"nlist": 8, "nprobe": 1},
}
EXACT = {"flat", "milvus", "milvus in parts"}
BY_HAND = {"flat", "hnsw", "ivf", "milvus", "milvus in parts"}

Build = Callable[[np.ndarray], SearchBackend]


def builder_of(kind: str, request: pytest.FixtureRequest) -> Build:
    """Return a function that builds a backend of that kind."""
    if kind in MILVUS:
        server = request.getfixturevalue("milvus_server")
        return lambda codes: in_milvus(server, codes, **MILVUS[kind])
    name, parameters = STORED[kind]
    return lambda codes: backend(name).build(codes, **parameters)


def in_milvus(
    server: MilvusServer, codes: np.ndarray, limit: int = MAX_LIMIT, nlist: int = 0, nprobe: int = 0
) -> MilvusBackend:
    # Writing a collection takes seconds: equal codes share one.
    digest = hashlib.sha256(codes.tobytes()).hexdigest()[:16]
    name = f"bitrecall_{digest}_{codes.shape[1]}_{nlist}"
    nlist = min(nlist, len(codes))
    fingerprint = CodesFingerprint(digest, len(codes), codes.shape[1] * 8)
    if len(codes) and read_info(server, name) is None:
        info = CollectionInfo(fingerprint, nlist, min(nprobe, nlist))
        write_collection(server, name, np.ascontiguousarray(codes), info)
    return MilvusBackend(server, name, fingerprint, limit=limit)


def reference(
    codes: np.ndarray, query: np.ndarray, k: int, exclude: Any = (), allowed: Any = None
) -> Any:
    """A plain exact search. Exact backends must agree, ties included."""
    distances = hamming_distances(query[None], codes)[0]
    rows = np.lexsort((np.arange(len(codes)), distances))
    rows = rows[~np.isin(rows, np.asarray(exclude, np.int64))]
    rows = rows[:k] if allowed is None else rows[allowed[rows]][:k]
    out_distances, out_rows = np.full(k, -1), np.full(k, -1)
    out_distances[: len(rows)], out_rows[: len(rows)] = distances[rows], rows
    return out_distances, out_rows


@st.composite
def searches(draw: st.DrawFn) -> dict[str, Any]:
    """Searches of catalogues with few different codes, so that most distances tie."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    width, items = draw(st.integers(1, 5)), draw(st.integers(1, 80))
    queries, values = draw(st.integers(1, 40)), draw(st.sampled_from([2, 4, 256]))
    share = draw(st.sampled_from([0.02, 0.3, 0.9]))
    return {
        "codes": rng.integers(0, values, (items, width), dtype=np.uint8),
        "queries": rng.integers(0, values, (queries, width), dtype=np.uint8),
        "k": draw(st.integers(0, items + 3)),
        "exclude": [rng.choice(items, rng.integers(0, items + 1)) for _ in range(queries)],
        "allowed": rng.random(items) < share,
    }


def check_contract(
    built: SearchBackend, search: dict[str, Any], threads: int = 1, *, exact: bool
) -> None:
    codes, queries, k = search["codes"], search["queries"], search["k"]
    no_rows: list[np.ndarray] = [np.array([], np.int64)] * len(queries)
    all_rows = np.ones(len(codes), np.bool_)
    before = faiss.omp_get_max_threads()
    for exclude, allowed in product((None, search["exclude"]), (None, search["allowed"])):
        faiss.omp_set_num_threads(threads)
        try:
            results = built.search(queries, k, exclude, allowed)
        finally:
            faiss.omp_set_num_threads(before)
        allowed = all_rows if allowed is None else allowed
        for query, excluded in enumerate(exclude or no_rows):
            distances, rows = results[0][query], results[1][query]
            count = min(k, np.count_nonzero(allowed) - len(np.unique(excluded[allowed[excluded]])))
            assert (rows[count:] == -1).all()
            assert (distances[count:] == -1).all()
            distances, rows = distances[:count], rows[:count]
            assert len(np.unique(rows)) == count
            assert not np.isin(rows, excluded).any()
            assert allowed[rows].all()
            assert np.array_equal(np.lexsort((rows, distances)), np.arange(count))
            true = hamming_distances(queries[query : query + 1], codes[rows])[0]
            assert np.array_equal(distances, true)
            if exact:
                expected = reference(codes, queries[query], k, excluded, allowed)
                assert np.array_equal((results[0][query], results[1][query]), expected)
            alone = built.search(
                queries[query : query + 1], k, None if exclude is None else [excluded], allowed
            )
            assert np.array_equal(
                (alone[0][0], alone[1][0]), (results[0][query], results[1][query])
            )
