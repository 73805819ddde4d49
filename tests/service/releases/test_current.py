import gc
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import QueryOptions, RankedItems
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.releases.current import RETRY_SECONDS, CurrentRelease

pytestmark = pytest.mark.slow

Contents = Callable[..., ReleaseContents]


class Clock:
    """A simulated clock in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def damage(release: Release) -> bytes:
    """Change one byte of the item codes on disk; return the previous content."""
    path = release.path / "item_codes.npy"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    return before


def serving(current: CurrentRelease) -> str:
    assert current.recommender is not None
    return current.recommender.release_id


def test_an_empty_store_gives_a_reason(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "not made yet"):
        current = CurrentRelease(ReleaseStore(root))
        current.refresh()
        assert current.recommender is None
        assert "there is no current release" in current.reason
    assert not (tmp_path / "not made yet").exists()


def test_the_reason_names_a_store_in_a_folder(tmp_path: Path, contents: Contents) -> None:
    ReleaseStore(tmp_path / "sample").publish(contents())
    current = CurrentRelease(ReleaseStore(tmp_path))
    current.refresh()
    assert current.reason.endswith(f"Folders of it with releases: {tmp_path / 'sample'}")


def test_loads_the_first_release_at_the_next_refresh(tmp_path: Path, contents: Contents) -> None:
    current = CurrentRelease(ReleaseStore(tmp_path), Clock())
    current.refresh()
    release = ReleaseStore(tmp_path).publish(contents())
    current.refresh()
    assert serving(current) == release.id


def test_a_release_is_opened_once(tmp_path: Path, contents: Contents) -> None:
    ReleaseStore(tmp_path).publish(contents())
    current = CurrentRelease(ReleaseStore(tmp_path))
    current.refresh()
    before = current.recommender
    current.refresh()
    assert current.recommender is before


def test_a_new_release_replaces_the_old_one_which_still_works(
    tmp_path: Path, contents: Contents
) -> None:
    store = ReleaseStore(tmp_path)
    first = store.publish(contents())
    current = CurrentRelease(ReleaseStore(tmp_path))
    current.refresh()
    old = current.recommender
    assert isinstance(old, Recommender)
    second = store.publish(contents(seed=1))
    current.refresh()
    assert serving(current) == second.id
    assert old.recommend("17", QueryOptions(3)).release_id == first.id


def test_follows_a_rollback(tmp_path: Path, contents: Contents) -> None:
    store = ReleaseStore(tmp_path)
    first = store.publish(contents())
    store.publish(contents(seed=1))
    current = CurrentRelease(ReleaseStore(tmp_path))
    current.refresh()
    store.rollback()
    current.refresh()
    assert serving(current) == first.id


def test_keeps_the_old_release_if_the_new_one_is_damaged_and_logs_once(
    tmp_path: Path, contents: Contents, caplog: pytest.LogCaptureFixture
) -> None:
    store = ReleaseStore(tmp_path)
    first = store.publish(contents())
    clock = Clock()
    current = CurrentRelease(ReleaseStore(tmp_path), clock)
    current.refresh()
    second = store.publish(contents(seed=1))
    damage(second)
    with caplog.at_level(logging.WARNING, "bitrecall.service.releases.current"):
        for _ in range(3):
            current.refresh()
            clock.now += RETRY_SECONDS
    assert serving(current) == first.id
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert f"still serving {first.id}" in warnings[0]
    assert second.id in warnings[0]


def test_retries_a_rejected_release(tmp_path: Path, contents: Contents) -> None:
    store = ReleaseStore(tmp_path)
    first = store.publish(contents())
    clock = Clock()
    current = CurrentRelease(ReleaseStore(tmp_path), clock)
    current.refresh()
    second = store.publish(contents(seed=1))
    before = damage(second)
    current.refresh()
    (second.path / "item_codes.npy").write_bytes(before)
    clock.now += RETRY_SECONDS - 1
    current.refresh()
    assert serving(current) == first.id
    clock.now += 1
    current.refresh()
    assert serving(current) == second.id


def test_loads_the_last_good_release_if_none_is_loaded(tmp_path: Path, contents: Contents) -> None:
    store = ReleaseStore(tmp_path)
    first = store.publish(contents())
    second = store.publish(contents(seed=1))
    damage(second)
    current = CurrentRelease(ReleaseStore(tmp_path), Clock())
    current.refresh()
    assert serving(current) == first.id
    third = store.publish(contents(seed=2))
    current.refresh()
    assert serving(current) == third.id


def test_the_reason_names_the_damage_of_the_only_release(
    tmp_path: Path, contents: Contents
) -> None:
    damage(ReleaseStore(tmp_path).publish(contents()))
    current = CurrentRelease(ReleaseStore(tmp_path))
    current.refresh()
    assert current.recommender is None
    assert "item_codes.npy" in current.reason


def test_keeps_the_release_if_the_store_disappears(tmp_path: Path, contents: Contents) -> None:
    release = ReleaseStore(tmp_path / "store").publish(contents())
    current = CurrentRelease(ReleaseStore(tmp_path / "store"))
    current.refresh()
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    current.refresh()
    assert serving(current) == release.id


def test_rejects_and_counts_a_release_that_fails_on_a_query(
    tmp_path: Path, contents: Contents
) -> None:
    class Broken(Recommender):
        def recommend(self, *arguments: object) -> RankedItems:
            raise ZeroDivisionError

    store, kinds = ReleaseStore(tmp_path), [Recommender, Broken]
    first = store.publish(contents())
    current = CurrentRelease(
        ReleaseStore(tmp_path), recommender_of=lambda release: kinds.pop(0)(release)
    )
    current.refresh()
    store.publish(contents(seed=1))
    for _ in range(3):
        current.refresh()
    assert serving(current) == first.id
    assert current.failed_loads == 1


def test_releases_the_old_release(tmp_path: Path, contents: Contents) -> None:
    store = ReleaseStore(tmp_path)
    first = store.publish(contents())
    current = CurrentRelease(ReleaseStore(tmp_path))
    current.refresh()
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("this system does not list mapped files")
    del first
    assert str(tmp_path) in maps.read_text()
    before = store.current_id()
    store.publish(contents(seed=1), activate=True)
    current.refresh()
    gc.collect()
    assert f"/{before}/" not in maps.read_text()
