import pytest

from bitrecall.index.errors import SearchError
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.hnsw import HnswBackend
from bitrecall.index.search.registry import backend


def test_backends_are_found_by_name() -> None:
    assert backend("flat") is FlatBackend
    assert backend("hnsw") is HnswBackend


def test_an_unknown_backend_is_refused_with_the_known_names() -> None:
    with pytest.raises(SearchError, match=r"'milvus'; known: flat, hnsw"):
        backend("milvus")
