import errno
import fcntl
import hashlib
import logging
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
    ReleaseNotFoundError,
)
from bitrecall.index.releases.files import check_hash
from bitrecall.index.releases.manifest import FileEntry
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore

pytestmark = pytest.mark.slow

Make = Callable[..., ReleaseContents]


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


@pytest.fixture
def three(store: ReleaseStore, make_contents: Make) -> list[str]:
    """Three releases, published one after the other; the last is current."""
    return [store.publish(make_contents(seed=seed)).id for seed in range(3)]


def damage(store: ReleaseStore, release_id: str) -> None:
    path = store.root / release_id / "item_codes.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def folders(store: ReleaseStore) -> set[str]:
    return {path.name for path in store.root.iterdir() if path.is_dir()}


def test_a_published_release_is_current_and_opens(store: ReleaseStore, make_contents: Make) -> None:
    release = store.publish(make_contents())
    assert store.current_id() == release.id
    assert release.path == store.root / release.id
    assert release.manifest.parent is None
    opened = store.open_current()
    assert opened.id == store.open(release.id).id == release.id
    assert np.array_equal(opened.item_codes, release.item_codes)
    assert (store.root / "CURRENT").read_text() == release.id + "\n"


def test_the_parent_is_the_release_before(store: ReleaseStore, three: list[str]) -> None:
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


def test_files_are_hashed_once_and_not_under_the_lock(
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

    watched = SimpleNamespace(sha256=Sha256, file_digest=file_digest)
    monkeypatch.setattr("bitrecall.index.releases.files.hashlib", watched)
    release = store.publish(make_contents())
    assert sum(hashed) == sum(entry.size for entry in release.manifest.files.values())
    monkeypatch.undo()
    assert store.verify(release.id) == release.manifest


@pytest.mark.parametrize("change", ["activate", "rollback", "prune"])
def test_the_lock_is_free_while_releases_are_verified(
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


def test_an_error_while_measuring_leaves_the_store_as_it_was(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    def measure(release: Release) -> dict[str, float | int | str]:
        raise RuntimeError("out of held-out users")

    with pytest.raises(RuntimeError, match="held-out"):
        store.publish(make_contents(), measure=measure)
    assert folders(store) == set(three)
    assert store.current_id() == three[2]


@pytest.mark.parametrize("most_bytes", [0, 200, 2000])
def test_a_disk_that_takes_no_more_leaves_the_store_as_it_was(
    store: ReleaseStore, make_contents: Make, most_bytes: int
) -> None:
    before = store.publish(make_contents(seed=0)).id
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
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


def test_a_full_disk_is_said_to_be_full(
    store: ReleaseStore, make_contents: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReleaseError, match=r"no space left on .*: make room, for instance"):
        store.publish(make_contents())


def test_refused_contents_leave_the_store_as_it_was(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    with pytest.raises(ReleaseContentsError):
        store.publish(make_contents(user_ids=["a"] * 5))
    with pytest.raises(ReleaseContentsError):
        store.publish(make_contents(), measure=lambda _: {"recall@50": float("nan")})
    assert folders(store) == set(three)


def test_a_release_can_be_published_without_being_activated(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    release = store.publish(make_contents(), activate=False)
    assert store.current_id() == three[2]
    assert store.open(release.id).id == release.id
    store.activate(release.id)
    assert store.current_id() == release.id


def test_a_release_does_not_take_over_from_one_that_was_activated_meanwhile(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    store.publish(make_contents(seed=8), instead_of=three[1])
    assert store.current_id() == three[2]
    release = store.publish(make_contents(seed=9), instead_of=three[2])
    assert store.current_id() == release.id


@pytest.mark.parametrize("there", [False, True])
def test_an_empty_or_missing_store_has_no_release(store: ReleaseStore, there: bool) -> None:
    if there:
        store.root.mkdir()
    assert store.list() == []
    assert store.current_id() is None
    with pytest.raises(NoReleaseError, match="publish or activate"):
        store.open_current()
    with pytest.raises(ReleaseNotFoundError):
        store.open("20260101T000000Z-00000000")
    with pytest.raises(ReleaseError):
        store.activate("20260101T000000Z-00000000")
    with pytest.raises(NoReleaseError):
        store.rollback()
    assert store.root.exists() == there


def test_a_missing_store_is_not_pruned_but_reported(store: ReleaseStore) -> None:
    with pytest.raises(NoReleaseError, match="no such folder"):
        store.prune(1)


def test_a_file_in_place_of_the_store_is_refused(store: ReleaseStore, make_contents: Make) -> None:
    store.root.write_text("not a folder")
    for ask in (lambda: store.publish(make_contents()), store.rollback):
        with pytest.raises(ReleaseError, match="releases: cannot be"):
            ask()


def test_what_was_only_published_is_not_current(store: ReleaseStore, make_contents: Make) -> None:
    store.publish(make_contents(), activate=False)
    with pytest.raises(NoReleaseError):
        store.open_current()


@pytest.mark.parametrize("kind", ["pipe", "folder", "a megabyte", "a link to a device"])
def test_a_pointer_that_is_no_small_file_is_told_of_once_and_not_waited_for(
    store: ReleaseStore, three: list[str], caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    path = store.root / "CURRENT"
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "a megabyte":
        path.write_bytes(b"x" * 2**20)
    else:
        path.symlink_to("/dev/zero")
    for _ in range(5):
        assert store.current_id() is None
    assert len(caplog.records) == 1
    assert len(caplog.text) < 500
    assert str(path) in caplog.text
    if kind == "folder":
        path.rmdir()
    else:
        path.unlink()
    path.write_text(three[0])
    assert store.current_id() == three[0]
    path.write_text("other")
    assert store.current_id() is None
    assert len(caplog.records) == 2


@pytest.mark.parametrize("name", ["activations.jsonl", "RETRAINING.json"])
def test_a_pipe_beside_the_releases_is_not_waited_for(
    store: ReleaseStore, three: list[str], name: str
) -> None:
    (store.root / name).unlink(missing_ok=True)
    os.mkfifo(store.root / name)
    if name == "RETRAINING.json":
        assert RetrainingStatus.read(store.root) is None
    else:
        with pytest.raises(ReleaseError, match="not a regular file"):
            store.rollback()


def test_reading_writes_nothing(store: ReleaseStore, three: list[str]) -> None:
    before = sorted(store.root.iterdir())
    store.list()
    store.open_current()
    store.verify(three[0])
    assert sorted(store.root.iterdir()) == before


@pytest.mark.parametrize(
    "release_id", ["20260101T000000Z-00000000", "../outside", "/", "", ".", "CURRENT", "\0"]
)
def test_an_unknown_id_is_not_found(store: ReleaseStore, three: list[str], release_id: str) -> None:
    for ask in (store.open, store.verify, store.activate):
        with pytest.raises(ReleaseNotFoundError, match="no release"):
            ask(release_id)
    assert store.current_id() == three[2]


def test_the_list_is_newest_first_and_marks_the_current(
    store: ReleaseStore, three: list[str]
) -> None:
    store.activate(three[1])
    summaries = store.list()
    assert [summary.id for summary in summaries] == three[::-1]
    assert [summary.current for summary in summaries] == [False, True, False]
    assert all(summary.damage is None and summary.manifest is not None for summary in summaries)


def test_the_list_shows_damage_and_never_raises(store: ReleaseStore, three: list[str]) -> None:
    damage(store, three[0])
    (store.root / three[1] / "manifest.json").unlink()
    (store.root / three[2] / "popularity.npy").write_bytes(b"")
    found = {summary.id: summary for summary in store.list()}
    oldest, middle, newest = (found[release_id] for release_id in three)
    assert newest.damage is not None
    assert "popularity.npy" in newest.damage
    assert middle.manifest is None
    assert middle.damage is not None
    assert "manifest.json" in middle.damage
    assert oldest.damage is not None
    assert "item_codes.npy" in oldest.damage
    assert oldest.manifest is not None


def test_a_quick_list_looks_at_sizes_alone(store: ReleaseStore, three: list[str]) -> None:
    damage(store, three[0])
    (store.root / three[2] / "popularity.npy").write_bytes(b"")
    newest, _, oldest = store.list(verify=False)
    assert newest.damage is not None
    assert oldest.damage is None


def test_verifying_names_the_damaged_file(store: ReleaseStore, three: list[str]) -> None:
    assert store.verify(three[0]).id == three[0]
    damage(store, three[0])
    with pytest.raises(ReleaseDamagedError, match=r"item_codes\.npy"):
        store.verify(three[0])


def test_a_release_under_another_name_is_refused(store: ReleaseStore, three: list[str]) -> None:
    other = "20260101T000000Z-00000000"
    shutil.copytree(store.root / three[0], store.root / other)
    with pytest.raises(ReleaseDamagedError, match=f"manifest is that of {three[0]}"):
        store.open(other)
    assert store.list()[-1].damage is not None


def test_a_release_that_is_a_link_is_refused(store: ReleaseStore, three: list[str]) -> None:
    outside = store.root.parent / "outside"
    (store.root / three[0]).rename(outside)
    (store.root / three[0]).symlink_to(outside)
    with pytest.raises(ReleaseDamagedError):
        store.open(three[0])


def test_a_damaged_release_cannot_be_activated(store: ReleaseStore, three: list[str]) -> None:
    damage(store, three[0])
    with pytest.raises(ReleaseDamagedError):
        store.activate(three[0])
    assert store.current_id() == three[2]


def test_a_damaged_current_release_gives_way_to_the_one_before(
    store: ReleaseStore, three: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    damage(store, three[2])
    with caplog.at_level(logging.WARNING):
        assert store.open_current().id == three[1]
    assert "item_codes.npy" in caplog.text
    assert f"using release {three[1]} instead" in caplog.text
    damage(store, three[1])
    assert store.open_current().id == three[0]
    damage(store, three[0])
    with pytest.raises(NoReleaseError, match=r"no release can be opened.*item_codes\.npy"):
        store.open_current()


def test_a_release_never_activated_is_not_fallen_back_to(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    store.publish(make_contents(), activate=False)
    damage(store, three[2])
    assert store.open_current().id == three[1]


def test_a_current_release_that_is_gone_gives_way_too(
    store: ReleaseStore, three: list[str]
) -> None:
    shutil.rmtree(store.root / three[2])
    assert store.open_current().id == three[1]


@pytest.mark.parametrize(
    "pointer", [b"", b"../../outside\n", b"\xff\xfe", b"20260101T0", b"x" * 999]
)
def test_a_broken_pointer_is_logged_and_overcome(
    store: ReleaseStore,
    three: list[str],
    make_contents: Make,
    pointer: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (store.root / "CURRENT").write_bytes(pointer)
    with caplog.at_level(logging.WARNING):
        assert store.current_id() is None
    assert "CURRENT" in caplog.text
    assert store.open_current().id == three[2]
    release = store.publish(make_contents())
    assert store.current_id() == release.id
    assert store.rollback() == three[2]


def test_a_lost_history_leaves_the_newest_good_release(
    store: ReleaseStore, three: list[str]
) -> None:
    (store.root / "activations.jsonl").unlink()
    damage(store, three[2])
    assert store.open_current().id == three[1]


def test_rolling_back_goes_to_what_was_current_before(
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


def test_rolling_back_passes_over_the_gone_and_the_damaged(
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


@pytest.mark.parametrize(("keep", "left"), [(0, 1), (1, 1), (2, 2), (3, 3), (9, 3)])
def test_pruning_keeps_the_newest(
    store: ReleaseStore, three: list[str], keep: int, left: int
) -> None:
    removed = store.prune(keep)
    assert removed == three[: 3 - left][::-1]
    assert folders(store) == set(three[3 - left :])


def test_pruning_never_removes_the_current(store: ReleaseStore, three: list[str]) -> None:
    store.activate(three[0])
    assert store.prune(1) == [three[1]]
    assert folders(store) == {three[0], three[2]}
    assert store.prune(0) == [three[2]]
    assert store.open_current().id == three[0]


def test_pruning_leaves_what_a_rollback_goes_to(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    newest = store.publish(make_contents(seed=8)).id
    store.activate(three[0])
    store.activate(three[1])
    assert store.prune(2) == []
    assert store.prune(1) == [three[2], three[0]]
    assert folders(store) == {three[1], newest}


def test_pruning_counts_good_releases_alone(store: ReleaseStore, three: list[str]) -> None:
    damage(store, three[1])
    assert store.prune(2) == []
    damage(store, three[0])
    assert store.prune(1) == [three[1], three[0]]


def test_pruning_leaves_what_a_damaged_current_release_falls_back_to(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    store.publish(make_contents(seed=8), activate=False)
    damage(store, three[2])
    assert store.prune(1) == [three[0]]
    assert store.open_current().id == three[1]


def test_pruning_a_negative_number_is_refused(store: ReleaseStore, three: list[str]) -> None:
    with pytest.raises(ReleaseError, match="keep -1"):
        store.prune(-1)
    assert folders(store) == set(three)


def test_other_things_in_the_folder_are_left_alone(store: ReleaseStore, three: list[str]) -> None:
    (store.root / "notes").mkdir()
    (store.root / "20260101").mkdir()
    assert len(store.list()) == 3
    store.prune(0)
    assert {"notes", "20260101"} <= folders(store)
