import errno
import fcntl
import hashlib
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bitrecall.index.errors import (
    NoReleaseError,
    ReleaseContentsError,
    ReleaseDamagedError,
    ReleaseError,
)
from bitrecall.index.releases.files import check_hash
from bitrecall.index.releases.manifest import FileEntry
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from tests.index.releases.stores import damage, folders

pytestmark = pytest.mark.slow

Make = Callable[..., ReleaseContents]


def test_a_published_release_is_current_and_can_be_opened(
    store: ReleaseStore, make_contents: Make
) -> None:
    release = store.publish(make_contents())
    assert store.current_id() == release.id
    assert release.path == store.root / release.id
    assert release.manifest.parent is None
    opened = store.open_current()
    assert opened.id == store.open(release.id).id == release.id
    assert np.array_equal(opened.item_codes, release.item_codes)
    assert (store.root / "CURRENT").read_text() == release.id + "\n"


def test_the_parent_is_the_previous_release(store: ReleaseStore, three: list[str]) -> None:
    parents = [store.open(release_id).manifest.parent for release_id in three]
    assert parents == [None, three[0], three[1]]


def test_the_same_contents_can_be_published_again(store: ReleaseStore, make_contents: Make) -> None:
    ids = {store.publish(make_contents()).id for _ in range(3)}
    assert len(ids) == len(store.list()) == 3


def test_metrics_are_measured_on_the_opened_release(
    store: ReleaseStore, make_contents: Make
) -> None:
    def measure(release: Release) -> dict[str, float | int | str]:
        assert store.list() == []
        _, rows = release.backend.search(release.user_codes(np.arange(5)), 3)
        return {"found": int((rows >= 0).sum()), "recall@3": 0.5, "id": release.id}

    release = store.publish(make_contents(), measure=measure)
    assert release.manifest.metrics == {"found": 15, "recall@3": 0.5, "id": release.id}
    assert store.open_current().manifest.metrics == release.manifest.metrics


def test_hashes_files_once_and_not_under_the_lock(
    store: ReleaseStore, make_contents: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []

    def count(size: int) -> None:
        hashed.append(size)
        # Raises BlockingIOError if the lock is held.
        with (store.root / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    class Sha256:
        def __init__(self, content: Any = b"") -> None:
            self._digest = hashlib.sha256(content)

        def update(self, content: Any) -> None:
            count(memoryview(content).nbytes)
            self._digest.update(content)

        def hexdigest(self) -> str:
            return self._digest.hexdigest()

    def file_digest(file: Any, name: str) -> Any:
        count(os.fstat(file.fileno()).st_size)
        return hashlib.file_digest(file, name)

    counting = SimpleNamespace(sha256=Sha256, file_digest=file_digest)
    monkeypatch.setattr("bitrecall.index.releases.files.hashlib", counting)
    release = store.publish(make_contents())
    assert sum(hashed) == sum(entry.size for entry in release.manifest.files.values())
    monkeypatch.undo()
    assert store.verify(release.id) == release.manifest


@pytest.mark.parametrize("change", ["activate", "rollback", "prune"])
def test_does_not_hold_the_lock_while_verifying(
    store: ReleaseStore, three: list[str], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    verified = []

    def verify(path: Path, entry: FileEntry) -> None:
        with (store.root / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        verified.append(path.parent.name)
        check_hash(path, entry)

    monkeypatch.setattr("bitrecall.index.releases.release.check_hash", verify)
    if change == "activate":
        store.activate(three[0])
        assert set(verified) == {three[0]}
    elif change == "rollback":
        assert store.rollback() == three[1]
        assert set(verified) == {three[1]}
    else:
        store.prune(1)
        assert set(verified) == set(three)


def test_an_error_while_measuring_leaves_the_store_unchanged(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    def measure(release: Release) -> dict[str, float | int | str]:
        raise RuntimeError("out of held-out users")

    with pytest.raises(RuntimeError, match="held-out"):
        store.publish(make_contents(), measure=measure)
    assert folders(store) == set(three)
    assert store.current_id() == three[2]


@pytest.mark.parametrize("max_bytes", [0, 200, 2000])
def test_a_failed_write_leaves_the_store_unchanged(
    store: ReleaseStore, make_contents: Make, max_bytes: int
) -> None:
    before = store.publish(make_contents(seed=0)).id
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))
    try:
        with pytest.raises(
            ReleaseError, match="publishing failed, and the current release is unchanged"
        ):
            store.publish(make_contents(seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert folders(store) == {before}
    assert store.open_current().id == before
    store.publish(make_contents(seed=1))


def test_reports_a_full_disk(
    store: ReleaseStore, make_contents: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReleaseError, match=r"no space left on .*: make room, for instance"):
        store.publish(make_contents())


def test_rejected_contents_leave_the_store_unchanged(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    with pytest.raises(ReleaseContentsError):
        store.publish(make_contents(user_ids=["a"] * 5))
    with pytest.raises(ReleaseContentsError):
        store.publish(make_contents(), measure=lambda _: {"recall@50": float("nan")})
    assert folders(store) == set(three)


def test_publishes_without_activating(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    release = store.publish(make_contents(), activate=False)
    assert store.current_id() == three[2]
    assert store.open(release.id).id == release.id
    store.activate(release.id)
    assert store.current_id() == release.id


def test_does_not_replace_a_release_other_than_instead_of(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    store.publish(make_contents(seed=8), instead_of=three[1])
    assert store.current_id() == three[2]
    release = store.publish(make_contents(seed=9), instead_of=three[2])
    assert store.current_id() == release.id


def test_rejects_a_file_in_place_of_the_store(store: ReleaseStore, make_contents: Make) -> None:
    store.root.write_text("not a folder")
    for action in (lambda: store.publish(make_contents()), store.rollback):
        with pytest.raises(ReleaseError, match="releases: cannot be"):
            action()


def test_does_not_activate_a_damaged_release(store: ReleaseStore, three: list[str]) -> None:
    damage(store, three[0])
    with pytest.raises(ReleaseDamagedError):
        store.activate(three[0])
    assert store.current_id() == three[2]


def test_rolls_back_to_the_release_that_was_current_before(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    assert store.rollback() == three[1]
    assert store.current_id() == three[1]
    newer = store.publish(make_contents(seed=9)).id
    assert store.rollback() == three[1]
    assert store.rollback() == three[0]
    with pytest.raises(NoReleaseError, match="roll back"):
        store.rollback()
    assert store.current_id() == three[0]
    store.activate(newer)
    assert store.rollback() == three[0]


def test_rolls_back_past_missing_and_damaged_releases(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    store.publish(make_contents(seed=9))
    damage(store, three[2])
    shutil.rmtree(store.root / three[1])
    assert store.rollback() == three[0]


def test_activating_the_current_release_changes_nothing(
    store: ReleaseStore, three: list[str]
) -> None:
    store.activate(three[2])
    assert store.rollback() == three[1]


def test_check_writable_creates_an_empty_folder_or_reports_why_not(tmp_path):
    store = ReleaseStore(tmp_path / "new" / "releases")
    store.check_writable()
    assert [path.name for path in store.root.iterdir()] == [".lock"]
    (tmp_path / "file").touch()
    with pytest.raises(ReleaseError, match="file: cannot be created"):
        ReleaseStore(tmp_path / "file").check_writable()
