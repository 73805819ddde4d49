"""Releases for tests: a store, a store with three releases, and the folder of a release."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.releases.writer import write_files, write_manifest
from tests.tools.small_release import ordered_release, release, repeating_release

__all__ = ["ordered_release", "release", "repeating_release"]


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


@pytest.fixture
def three(store: ReleaseStore, make_contents: Callable[..., ReleaseContents]) -> list[str]:
    """Three releases, published one after the other; the last is current."""
    return [store.publish(make_contents(seed=seed)).id for seed in range(3)]


@pytest.fixture
def folder(make_contents: Callable[..., ReleaseContents], tmp_path: Path) -> Path:
    """The folder of a release."""
    path = tmp_path / "release"
    path.mkdir()
    write_manifest(path, write_files(path, make_contents(), None))
    return path
