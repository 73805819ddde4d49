import pytest

from bitrecall.index.errors import SearchError
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.hnsw import HnswBackend
from bitrecall.index.search.registry import backend


def test_backends_are_found_by_name() -> None:
    assert backend("flat") is FlatBackend
    assert backend("hnsw") is HnswBackend


def test_rejects_an_unknown_backend_and_lists_the_known() -> None:
    with pytest.raises(SearchError, match=r"'milvus': expected flat or hnsw or ivf"):
        backend("milvus")
