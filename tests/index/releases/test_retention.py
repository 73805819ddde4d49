from collections.abc import Callable

import pytest

from bitrecall.index.errors import NoReleaseError, ReleaseError
from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from tests.index.releases.stores import damage, folders

pytestmark = pytest.mark.slow

Make = Callable[..., ReleaseContents]


def test_reports_a_missing_store(store: ReleaseStore) -> None:
    with pytest.raises(NoReleaseError, match="no such folder"):
        store.prune(1)


@pytest.mark.parametrize(("keep", "n_left"), [(0, 1), (1, 1), (2, 2), (3, 3), (9, 3)])
def test_pruning_keeps_the_newest(
    store: ReleaseStore, three: list[str], keep: int, n_left: int
) -> None:
    removed = store.prune(keep)
    assert removed == three[: 3 - n_left][::-1]
    assert folders(store) == set(three[3 - n_left :])


def test_pruning_never_removes_the_current(store: ReleaseStore, three: list[str]) -> None:
    store.activate(three[0])
    assert store.prune(1) == [three[1]]
    assert folders(store) == {three[0], three[2]}
    assert store.prune(0) == [three[2]]
    assert store.open_current().id == three[0]


def test_pruning_keeps_the_target_of_a_rollback(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    newest = store.publish(make_contents(seed=8)).id
    store.activate(three[0])
    store.activate(three[1])
    assert store.prune(2) == []
    assert store.prune(1) == [three[2], three[0]]
    assert folders(store) == {three[1], newest}


def test_pruning_does_not_count_damaged_releases(store: ReleaseStore, three: list[str]) -> None:
    damage(store, three[1])
    assert store.prune(2) == []
    damage(store, three[0])
    assert store.prune(1) == [three[1], three[0]]


def test_pruning_keeps_the_release_that_replaces_a_damaged_current_one(
    store: ReleaseStore, three: list[str], make_contents: Make
) -> None:
    store.publish(make_contents(seed=8), activate=False)
    damage(store, three[2])
    assert store.prune(1) == [three[0]]
    assert store.open_current().id == three[1]


def test_rejects_a_negative_number_to_keep(store: ReleaseStore, three: list[str]) -> None:
    with pytest.raises(ReleaseError, match="keep -1"):
        store.prune(-1)
    assert folders(store) == set(three)


def test_pruning_leaves_other_folders_alone(store: ReleaseStore, three: list[str]) -> None:
    (store.root / "notes").mkdir()
    (store.root / "20260101").mkdir()
    assert len(store.list()) == 3
    store.prune(0)
    assert {"notes", "20260101"} <= folders(store)
