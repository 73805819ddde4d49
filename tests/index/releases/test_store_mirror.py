"""What a store asks of its mirror, and when."""

from collections.abc import Callable, Iterable
from pathlib import Path

from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore


class InMemory:
    """Keeps the ids of what it has; `between` is called once something was prepared."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.current: str | None = None
        self.between: Callable[[], object] = lambda: None

    def prepare(self, release: Release) -> None:
        self.held.add(release.id)
        self.between()

    def point(self, release_id: str) -> None:
        assert release_id in self.held
        self.current = release_id

    def keep(self, release_ids: Iterable[str]) -> None:
        self.held &= set(release_ids)


def test_what_another_process_prunes_before_a_release_is_current_is_there_all_the_same(
    tmp_path: Path, make_contents: Callable[..., ReleaseContents]
) -> None:
    mirror = InMemory()
    store, other = ReleaseStore(tmp_path, mirror), ReleaseStore(tmp_path, mirror)

    def prune_once() -> None:
        mirror.between = lambda: None
        other.prune(1)
        assert mirror.held == set()

    mirror.between = prune_once
    release = store.publish(make_contents(seed=1))
    assert mirror.held == {mirror.current} == {release.id}
