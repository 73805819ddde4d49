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
    """Return a backend by name. Raises SearchError if there is none of that name."""
    try:
        return backends()[name]
    except KeyError:
        known = ", ".join(sorted(backends()))
        raise SearchError(f"there is no backend {name!r}; known: {known}") from None
