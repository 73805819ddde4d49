"""The search backends by name."""

from __future__ import annotations

from bitrecall.index.errors import SearchError
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.hnsw import HnswBackend
from bitrecall.index.search.ivf import IvfBackend
from bitrecall.index.search.protocol import StoredBackend


def backends() -> dict[str, type[StoredBackend]]:
    """Return all backends by their names in recipes and manifests."""
    return {"flat": FlatBackend, "hnsw": HnswBackend, "ivf": IvfBackend}


def backend(name: str) -> type[StoredBackend]:
    """Return a backend by name. Raises SearchError on an unknown name."""
    try:
        return backends()[name]
    except KeyError:
        known = " or ".join(sorted(backends()))
        raise SearchError(f"unknown backend {name!r}: expected {known}") from None
