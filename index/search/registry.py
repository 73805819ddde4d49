"""The search backends a release can name."""

from __future__ import annotations

from bitrecall.index.errors import SearchError
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.hnsw import HnswBackend
from bitrecall.index.search.ivf import IvfBackend
from bitrecall.index.search.protocol import StoredBackend


def backends() -> dict[str, type[StoredBackend]]:
    """Every backend by the name that a recipe or a manifest gives it."""
    return {"flat": FlatBackend, "hnsw": HnswBackend, "ivf": IvfBackend}


def backend(name: str) -> type[StoredBackend]:
    """Return the backend called `name`. Raises SearchError where there is none."""
    try:
        return backends()[name]
    except KeyError:
        known = ", ".join(sorted(backends()))
        raise SearchError(f"there is no backend called {name!r}; there are: {known}") from None
