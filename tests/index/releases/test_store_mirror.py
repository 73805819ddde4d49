"""The mirror of a store: when it is called, and what is locked meanwhile."""

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
    """Whether the lock can be had now."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


class InMemory:
    """A mirror that holds ids; calls ``on`` first, with the name of the method."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.current: str | None = None
        self.on: Callable[[str], object] = lambda name: None

    def prepare(self, release: Release) -> None:
        self.on("prepare")
        self.held.add(release.id)

    def point(self, release_id: str) -> None:
        self.on("point")
        assert release_id in self.held
        self.current = release_id

    def keep(self, release_ids: Iterable[str]) -> None:
        self.on("keep")
        self.held &= set(release_ids)


@pytest.fixture
def mirror() -> InMemory:
    return InMemory()


@pytest.fixture
def store(tmp_path: Path, mirror: InMemory) -> ReleaseStore:
    return ReleaseStore(tmp_path, mirror)


def test_the_mirror_follows_the_store(
    store: ReleaseStore, mirror: InMemory, make_contents: Make
) -> None:
    first = store.publish(make_contents(seed=1)).id
    aside = store.publish(make_contents(seed=2), activate=False).id
    assert (mirror.held, mirror.current) == ({first}, first)
    store.activate(aside)
    assert (mirror.held, mirror.current) == ({first, aside}, aside)
    store.rollback()
    assert mirror.current == first
    store.activate(aside)
    assert store.prune(1) == [first]
    assert (mirror.held, mirror.current) == ({aside}, aside)


def test_the_stores_lock_is_free_while_the_mirror_is_called(
    store: ReleaseStore, mirror: InMemory, make_contents: Make, tmp_path: Path
) -> None:
    called = []

    def look(name: str) -> None:
        called.append(name)
        assert is_free(tmp_path / LOCK)
        # No other process changes the mirror meanwhile.
        assert not is_free(tmp_path / MIRROR_LOCK)

    mirror.on = look
    store.publish(make_contents(seed=1))
    second = store.publish(make_contents(seed=2)).id
    store.rollback()
    store.activate(second)
    store.prune(1)
    assert called == ["prepare", "point"] * 4 + ["keep"]


def test_others_publish_without_the_mirror_while_it_is_slow(
    store: ReleaseStore, mirror: InMemory, make_contents: Make, tmp_path: Path
) -> None:
    published = []

    def slow(name: str) -> None:
        mirror.on = lambda name: None
        # In this call: it would never return if publishing had to wait for it.
        published.append(ReleaseStore(tmp_path).publish(make_contents(seed=8)).id)

    mirror.on = slow
    release = store.publish(make_contents(seed=1))
    assert store.current_id() == release.id
    assert store.rollback() == published[0]


def test_a_prune_waits_until_a_prepared_release_is_current(
    store: ReleaseStore, mirror: InMemory, make_contents: Make, tmp_path: Path
) -> None:
    pruning = threading.Thread(target=ReleaseStore(tmp_path, mirror).prune, args=[1])

    def prune_once(name: str) -> None:
        mirror.on = lambda name: None
        pruning.start()

    mirror.on = prune_once
    release = store.publish(make_contents(seed=1))
    pruning.join()
    assert mirror.held == {mirror.current} == {release.id} == {store.current_id()}


@pytest.mark.parametrize("failing", ["prepare", "point"])
def test_a_failing_mirror_leaves_the_current_release(
    store: ReleaseStore, mirror: InMemory, make_contents: Make, failing: str
) -> None:
    first = store.publish(make_contents(seed=1)).id
    aside = store.publish(make_contents(seed=2), activate=False).id

    def fail(name: str) -> None:
        if name == failing:
            raise SearchUnavailableError("away")

    mirror.on = fail
    for change in (
        lambda: store.publish(make_contents(seed=3)),
        lambda: store.activate(aside),
    ):
        with pytest.raises(SearchUnavailableError):
            change()
        assert (store.current_id(), mirror.current) == (first, first)
    # A release that could not be prepared was not published either.
    assert len(store.list()) == (2 if failing == "prepare" else 3)
    assert not list(store.root.glob(".publishing-*"))


@pytest.mark.parametrize("when", ["prepare", "point"])
def test_a_release_that_vanishes_while_it_is_activated_is_not_made_current(
    store: ReleaseStore, mirror: InMemory, make_contents: Make, when: str
) -> None:
    first = store.publish(make_contents(seed=1)).id
    aside = store.publish(make_contents(seed=2), activate=False)

    def vanish(name: str) -> None:
        if name == when:
            shutil.rmtree(aside.path)

    mirror.on = vanish
    with pytest.raises(ReleaseNotFoundError):
        store.activate(aside.id)
    assert store.current_id() == first


def test_a_rollback_looks_again_if_the_store_changed_meanwhile(
    store: ReleaseStore, mirror: InMemory, make_contents: Make, tmp_path: Path
) -> None:
    first, second, third = (store.publish(make_contents(seed=seed)).id for seed in range(3))

    def roll_back_first(name: str) -> None:
        mirror.on = lambda name: None
        assert ReleaseStore(tmp_path).rollback() == second

    mirror.on = roll_back_first
    assert store.rollback() == first
    assert store.current_id() == mirror.current == first
    assert third in mirror.held
