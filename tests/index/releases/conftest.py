"""Stores of releases for tests: a store, and one with three releases."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


@pytest.fixture
def three(store: ReleaseStore, make_contents: Callable[..., ReleaseContents]) -> list[str]:
    """Three releases, published one after the other; the last is current."""
    return [store.publish(make_contents(seed=seed)).id for seed in range(3)]
