import logging
import os
import shutil
from collections.abc import Callable

import pytest

from bitrecall.index.errors import (
    NoReleaseError,
    ReleaseDamagedError,
    ReleaseError,
    ReleaseNotFoundError,
)
from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore
from tests.index.releases.stores import damage

pytestmark = pytest.mark.slow

Make = Callable[..., ReleaseContents]


@pytest.mark.parametrize("exists", [False, True])
def test_an_empty_or_missing_store_has_no_release(store: ReleaseStore, exists: bool) -> None:
    if exists:
        store.root.mkdir()
    assert store.list() == []
    assert store.current_id() is None
    with pytest.raises(NoReleaseError, match="`bitrecall train DATA --releases"):
        store.open_current()
    with pytest.raises(ReleaseNotFoundError, match="`bitrecall release list --releases"):
        store.open("20260101T000000Z-00000000")
    with pytest.raises(ReleaseError):
        store.activate("20260101T000000Z-00000000")
    with pytest.raises(NoReleaseError):
        store.rollback()
    assert store.root.exists() == exists


def test_a_release_that_was_never_activated_is_not_current(
    store: ReleaseStore, make_contents: Make
) -> None:
    store.publish(make_contents(), activate=False)
    with pytest.raises(NoReleaseError):
        store.open_current()


@pytest.mark.parametrize("kind", ["pipe", "folder", "a megabyte", "a link to a device"])
def test_logs_a_pointer_that_is_not_a_small_file_once(
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
    for action in (store.open, store.verify, store.activate):
        with pytest.raises(ReleaseNotFoundError, match="no release"):
            action(release_id)
    assert store.current_id() == three[2]


def test_the_list_is_newest_first_and_marks_the_current(
    store: ReleaseStore, three: list[str]
) -> None:
    store.activate(three[1])
    summaries = store.list()
    assert [summary.id for summary in summaries] == three[::-1]
    assert [summary.current for summary in summaries] == [False, True, False]
    assert all(summary.damage is None and summary.manifest is not None for summary in summaries)


def test_the_list_reports_damage_instead_of_raising(store: ReleaseStore, three: list[str]) -> None:
    damage(store, three[0])
    (store.root / three[1] / "manifest.json").unlink()
    (store.root / three[2] / "popularity.npy").write_bytes(b"")
    summaries = {summary.id: summary for summary in store.list()}
    oldest, middle, newest = (summaries[release_id] for release_id in three)
    assert newest.damage is not None
    assert "popularity.npy" in newest.damage
    assert middle.manifest is None
    assert middle.damage is not None
    assert "manifest.json" in middle.damage
    assert oldest.damage is not None
    assert "item_codes.npy" in oldest.damage
    assert oldest.manifest is not None


def test_a_list_without_verification_checks_sizes_alone(
    store: ReleaseStore, three: list[str]
) -> None:
    damage(store, three[0])
    (store.root / three[2] / "popularity.npy").write_bytes(b"")
    newest, _, oldest = store.list(verify=False)
    assert newest.damage is not None
    assert oldest.damage is None


def test_verification_names_the_damaged_file(store: ReleaseStore, three: list[str]) -> None:
    assert store.verify(three[0]).id == three[0]
    damage(store, three[0])
    with pytest.raises(ReleaseDamagedError, match=r"item_codes\.npy"):
        store.verify(three[0])


def test_rejects_a_release_under_another_id(store: ReleaseStore, three: list[str]) -> None:
    other = "20260101T000000Z-00000000"
    shutil.copytree(store.root / three[0], store.root / other)
    with pytest.raises(ReleaseDamagedError, match=f"the manifest of release {three[0]}"):
        store.open(other)
    assert store.list()[-1].damage is not None


def test_rejects_a_release_that_is_a_link(store: ReleaseStore, three: list[str]) -> None:
    outside = store.root.parent / "outside"
    (store.root / three[0]).rename(outside)
    (store.root / three[0]).symlink_to(outside)
    with pytest.raises(ReleaseDamagedError):
        store.open(three[0])


def test_opens_the_previous_release_if_the_current_is_damaged(
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
    caplog.clear()
    with pytest.raises(NoReleaseError, match=r"no release can be opened.*item_codes\.npy"):
        store.open_current()
    assert not caplog.records


def test_does_not_fall_back_to_a_release_that_was_never_activated(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    store.publish(make_contents(), activate=False)
    damage(store, three[2])
    assert store.open_current().id == three[1]


def test_opens_the_previous_release_if_the_current_is_missing(
    store: ReleaseStore, three: list[str]
) -> None:
    shutil.rmtree(store.root / three[2])
    assert store.open_current().id == three[1]


@pytest.mark.parametrize(
    "pointer", [b"", b"../../outside\n", b"\xff\xfe", b"20260101T0", b"x" * 999]
)
def test_logs_a_broken_pointer_and_opens_the_last_current_release(
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


def test_opens_the_newest_good_release_without_a_history(
    store: ReleaseStore, three: list[str]
) -> None:
    (store.root / "activations.jsonl").unlink()
    damage(store, three[2])
    assert store.open_current().id == three[1]


@pytest.mark.parametrize("name", ["activations.jsonl", "RETRAINING.json"])
def test_does_not_wait_for_a_pipe_beside_the_releases(
    store: ReleaseStore, three: list[str], name: str
) -> None:
    (store.root / name).unlink(missing_ok=True)
    os.mkfifo(store.root / name)
    if name == "RETRAINING.json":
        assert RetrainingStatus.read(store.root) is None
    else:
        with pytest.raises(ReleaseError, match="not a regular file"):
            store.rollback()
