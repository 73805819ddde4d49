"""The backend on a simulated server, which orders ties arbitrarily.

``tests/index/search/test_conformance.py`` runs it on a real server.
"""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from bitrecall.index.errors import ReleaseError, SearchUnavailableError
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.milvus.backend import MilvusBackend
from bitrecall.index.search.milvus.collection import CodesFingerprint, CollectionInfo
from bitrecall.index.search.milvus.server import MilvusServer
from bitrecall.index.search.packing import hamming_distances

RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 4, (6000, 1), dtype=np.uint8)
QUERIES = RNG.integers(0, 4, (4, 1), dtype=np.uint8)
FINGERPRINT = CodesFingerprint("0" * 64, len(CODES), 8)
INFO = CollectionInfo(FINGERPRINT)


class SimulatedServer:
    """A server with ``CODES``."""

    url = "http://milvus"

    def __init__(self, properties: dict[str, str] | None = None) -> None:
        self.searches = 0
        self._properties = properties

    def search(self, call: Callable[[Any, float], Any]) -> Any:
        client = SimpleNamespace(
            search=self._search,
            has_collection=lambda name, timeout: self._properties is not None,
            describe_collection=lambda name, timeout: {"properties": self._properties},
        )
        return call(client, 1.0)

    def _search(self, name: str, *, data: list[bytes], limit: int, **arguments: Any) -> Any:
        self.searches += 1
        rows, expression = np.arange(len(CODES)), arguments["filter"]
        if between := re.fullmatch(r"(\d+) <= row < (\d+)", expression):
            rows = rows[int(between[1]) : int(between[2])]
        elif listed := re.fullmatch(r"row in \[(.*)\]", expression):
            rows = np.array([int(row) for row in listed[1].split(",")])
        else:
            assert expression == ""
        hits = []
        for query in data:
            distances = hamming_distances(np.frombuffer(query, np.uint8)[None], CODES[rows])[0]
            order = np.lexsort((RNG.random(len(rows)), distances))[:limit]
            hits.append(SimpleNamespace(distances=distances[order], ids=rows[order]))
        return hits


def backend_on(server: SimulatedServer, info: CollectionInfo | None = INFO) -> MilvusBackend:
    return MilvusBackend(cast("MilvusServer", server), "release", FINGERPRINT, info, limit=500)


@pytest.mark.parametrize("n_excluded", [0, 20, 400])
@pytest.mark.parametrize("share", [None, 0.01, 0.5, 0.9])
def test_returns_the_same_as_the_exact_scan(n_excluded: int, share: float | None) -> None:
    exclude = [RNG.choice(len(CODES), n_excluded, replace=False) for _ in QUERIES]
    allowed = None if share is None else RNG.random(len(CODES)) < share
    expected = FlatBackend.build(CODES).search(QUERIES, 30, exclude, allowed)
    found = backend_on(SimulatedServer()).search(QUERIES, 30, exclude, allowed)
    assert np.array_equal(found, expected)


def test_searches_queries_with_many_excluded_rows_alone() -> None:
    server = SimulatedServer()
    allowed = np.arange(len(CODES)) < 40
    backend_on(server).search(QUERIES, 5, [np.arange(n) for n in (0, 300, 10, 400)], allowed)
    assert server.searches == 3


def test_checks_the_collection_before_the_first_search() -> None:
    backend = backend_on(SimulatedServer(INFO.to_properties()), None)
    assert backend.check() == INFO
    missing = backend_on(SimulatedServer(), None)
    with pytest.raises(ReleaseError, match="has no collection release"):
        missing.check()
    with pytest.raises(SearchUnavailableError, match="has no collection release"):
        missing.search(QUERIES, 1)
    foreign = CollectionInfo(FINGERPRINT._replace(sha256="1" * 64))
    with pytest.raises(ReleaseError, match="codes of another release"):
        backend_on(SimulatedServer(foreign.to_properties()), None).check()
