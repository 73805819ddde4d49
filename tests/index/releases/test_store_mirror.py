"""Calls to the mirror of a store, and the locks held during them."""

import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from bitrecall.index.errors import ReleaseNotFoundError, SearchUnavailableError
from bitrecall.index.releases.locks import LOCK, MIRROR_LOCK
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore

Make = Callable[..., ReleaseContents]


def is_free(lock: Path) -> bool:
    """Return whether the lock is free now."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


class InMemoryMirror:
    """A mirror in memory; every method first calls ``on`` with its name."""

    def __init__(self) -> None:
        self.release_ids: set[str] = set()
        self.current: str | None = None
        self.on: Callable[[str], object] = lambda name: None

    def prepare(self, release: Release) -> None:
        self.on("prepare")
        self.release_ids.add(release.id)

    def point(self, release_id: str) -> None:
        self.on("point")
        assert release_id in self.release_ids
        self.current = release_id

    def keep(self, release_ids: Iterable[str]) -> None:
        self.on("keep")
        self.release_ids &= set(release_ids)


@pytest.fixture
def mirror() -> InMemoryMirror:
    return InMemoryMirror()


@pytest.fixture
def store(tmp_path: Path, mirror: InMemoryMirror) -> ReleaseStore:
    return ReleaseStore(tmp_path, mirror)


def test_the_mirror_follows_the_store(
    store: ReleaseStore, mirror: InMemoryMirror, make_contents: Make
) -> None:
    first = store.publish(make_contents(seed=1)).id
    inactive = store.publish(make_contents(seed=2), activate=False).id
    assert (mirror.release_ids, mirror.current) == ({first}, first)
    store.activate(inactive)
    assert (mirror.release_ids, mirror.current) == ({first, inactive}, inactive)
    store.rollback()
    assert mirror.current == first
    store.activate(inactive)
    assert store.prune(1) == [first]
    assert (mirror.release_ids, mirror.current) == ({inactive}, inactive)


def test_does_not_hold_the_store_lock_while_calling_the_mirror(
    store: ReleaseStore, mirror: InMemoryMirror, make_contents: Make, tmp_path: Path
) -> None:
    calls = []

    def check_locks(name: str) -> None:
        calls.append(name)
        assert is_free(tmp_path / LOCK)
        # No other process can change the mirror meanwhile.
        assert not is_free(tmp_path / MIRROR_LOCK)

    mirror.on = check_locks
    store.publish(make_contents(seed=1))
    second = store.publish(make_contents(seed=2)).id
    store.rollback()
    store.activate(second)
    store.prune(1)
    assert calls == ["prepare", "point"] * 4 + ["keep"]


def test_a_slow_mirror_does_not_block_stores_without_it(
    store: ReleaseStore, mirror: InMemoryMirror, make_contents: Make, tmp_path: Path
) -> None:
    published = []

    def publish_meanwhile(name: str) -> None:
        mirror.on = lambda name: None
        # If publishing waited for the mirror, this call would never return.
        published.append(ReleaseStore(tmp_path).publish(make_contents(seed=8)).id)

    mirror.on = publish_meanwhile
    release = store.publish(make_contents(seed=1))
    assert store.current_id() == release.id
    assert store.rollback() == published[0]


def test_a_prune_waits_until_a_prepared_release_is_current(
    store: ReleaseStore, mirror: InMemoryMirror, make_contents: Make, tmp_path: Path
) -> None:
    pruning = threading.Thread(target=ReleaseStore(tmp_path, mirror).prune, args=[1])

    def prune_once(name: str) -> None:
        mirror.on = lambda name: None
        pruning.start()

    mirror.on = prune_once
    release = store.publish(make_contents(seed=1))
    pruning.join()
    assert mirror.release_ids == {mirror.current} == {release.id} == {store.current_id()}


@pytest.mark.parametrize("failing", ["prepare", "point"])
def test_a_failing_mirror_leaves_the_current_release(
    store: ReleaseStore, mirror: InMemoryMirror, make_contents: Make, failing: str
) -> None:
    first = store.publish(make_contents(seed=1)).id
    inactive = store.publish(make_contents(seed=2), activate=False).id

    def fail(name: str) -> None:
        if name == failing:
            raise SearchUnavailableError("unreachable")

    mirror.on = fail
    for change in (
        lambda: store.publish(make_contents(seed=3)),
        lambda: store.activate(inactive),
    ):
        with pytest.raises(SearchUnavailableError):
            change()
        assert (store.current_id(), mirror.current) == (first, first)
    # A release that could not be prepared was not published either.
    assert len(store.list()) == (2 if failing == "prepare" else 3)
    assert not list(store.root.glob(".publishing-*"))


@pytest.mark.parametrize("when", ["prepare", "point"])
def test_does_not_activate_a_release_that_is_removed_meanwhile(
    store: ReleaseStore, mirror: InMemoryMirror, make_contents: Make, when: str
) -> None:
    first = store.publish(make_contents(seed=1)).id
    inactive = store.publish(make_contents(seed=2), activate=False)

    def remove(name: str) -> None:
        if name == when:
            shutil.rmtree(inactive.path)

    mirror.on = remove
    with pytest.raises(ReleaseNotFoundError):
        store.activate(inactive.id)
    assert store.current_id() == first


def test_a_rollback_starts_again_if_the_store_changed_meanwhile(
    store: ReleaseStore, mirror: InMemoryMirror, make_contents: Make, tmp_path: Path
) -> None:
    first, second, third = (store.publish(make_contents(seed=seed)).id for seed in range(3))

    def roll_back_first(name: str) -> None:
        mirror.on = lambda name: None
        assert ReleaseStore(tmp_path).rollback() == second

    mirror.on = roll_back_first
    assert store.rollback() == first
    assert store.current_id() == mirror.current == first
    assert third in mirror.release_ids
