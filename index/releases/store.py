"""A folder of releases, one of which is current.

ROOT/
  20261123T174500Z-3fa94c1b/   a release, complete or absent
  CURRENT                      the id of the current one
  activations.jsonl            which were current before (see index/releases/activations.py)
  .lock                        held while a folder or the pointer moves
  .mirror-lock                 held while a mirror, such as Milvus, is updated
  .publishing-…                a release being written; locked by its writer
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bitrecall.disk import disk_fault, sync
from bitrecall.index.errors import (
    NoReleaseError,
    ReleaseContentsError,
    ReleaseDamagedError,
    ReleaseError,
    ReleaseNotFoundError,
)
from bitrecall.index.releases.activations import (
    Activation,
    append_activation,
    read_activations,
    trail,
)
from bitrecall.index.releases.files import check_size
from bitrecall.index.releases.json_checks import RELEASE_ID
from bitrecall.index.releases.locks import (
    hide_folder,
    mirror_lock,
    remove_leftovers,
    store_lock,
    writing_folder,
)
from bitrecall.index.releases.manifest import Manifest, Metrics
from bitrecall.index.releases.mirror import Mirror
from bitrecall.index.releases.pointer import CurrentPointer
from bitrecall.index.releases.release import Release, ReleaseContents, read_manifest
from bitrecall.index.releases.writer import sync_folder, write_files, write_manifest

_log = logging.getLogger(__name__)

Measure = Callable[[Release], Metrics]


@dataclass(frozen=True)
class ReleaseSummary:
    """A line of a list of releases.

    Attributes:
        id: the name of its folder.
        current: whether it is the current release.
        manifest: None if it cannot be read.
        damage: why the release cannot be opened; None if it can.
    """

    id: str
    current: bool
    manifest: Manifest | None
    damage: str | None


# Inside the class, ``list`` is its method.
Summaries = list[ReleaseSummary]
ReleaseIds = list[str]


class ReleaseStore:
    """The releases in a folder.

    Reading writes nothing, so a service may have the folder read-only. Any number of processes may
    read while others publish, activate or prune. What takes long (writing, hashing, measuring,
    copying to a mirror) is done without the store's lock.

    Args:
        root: the folder; publishing creates it if it is missing.
        mirror: a copy to keep up to date. A release is copied before it becomes current, and
            removed when it is pruned. If the mirror fails, SearchUnavailableError is raised and the
            current release stays.
    """

    def __init__(self, root: Path, mirror: Mirror | None = None) -> None:
        self.root = Path(root)
        self._mirror = mirror
        self._pointer = CurrentPointer(self.root)

    def publish(
        self,
        contents: ReleaseContents,
        *,
        measure: Measure | None = None,
        activate: bool = True,
        instead_of: str | None = None,
    ) -> Release:
        """Write a new release, and make it current.

        The release is written to a hidden folder, each file hashed as it is written, then opened
        and measured. Only then it appears under its id, complete, and only then the pointer moves:
        a crash at any moment, or an error from ``measure``, leaves the store as it was. Leftovers
        of dead publishers are removed. The current release becomes the parent.

        Args:
            contents: what to write.
            measure: gets the opened release, and returns the metrics for its manifest.
            activate: make the release current.
            instead_of: id of a release; make the new one current only if that one still is.

        Returns:
            The opened release.

        Raises:
            ReleaseContentsError: the contents are inconsistent.
            ReleaseError: ``root`` is not a writable folder, or the disk is full or fails.
            SearchUnavailableError: the mirror failed.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReleaseError(f"cannot be made: {error.strerror}", self.root) from error
        with ExitStack() as stack:
            with store_lock(self.root), _disk_errors(self.root, "publishing"):
                remove_leftovers(self.root)
                parent = self.current_id()
                folder = stack.enter_context(writing_folder(self.root))
            release = self._write(folder, contents, parent, measure)
            if activate and self._mirror is not None:
                stack.enter_context(mirror_lock(self.root))
                self._mirror.prepare(release)
            with store_lock(self.root), _disk_errors(self.root, "publishing"):
                if release.path.exists():
                    raise ReleaseContentsError(
                        "there is already a release of that id", release.path
                    )
                folder.rename(release.path)
                sync(self.root)
                takes_over = activate and instead_of in (None, self.current_id())
                if takes_over and self._mirror is None:
                    self._move(release.id, "publish")
            if takes_over and self._mirror is not None:
                self._mirror.point(release.id)
                with store_lock(self.root), _disk_errors(self.root, "publishing"):
                    # A process without the mirror may have changed the store meanwhile.
                    self._path(release.id)
                    if instead_of in (None, self.current_id()):
                        self._move(release.id, "publish")
        return release

    def list(self, *, verify: bool = True) -> Summaries:
        """Return all releases, newest first, damaged ones included.

        Args:
            verify: check every byte; otherwise only the sizes of files.
        """
        current = self.current_id()
        summaries = [self._summary(path, current, verify) for path in self._folders()]
        return sorted(summaries, key=_age, reverse=True)

    def current_id(self) -> str | None:
        """Return the id of the current release; None if there is no pointer or it is damaged.

        Damage is logged once, not at every call.
        """
        return self._pointer.read()

    def open(self, release_id: str) -> Release:
        """Verify and open one release.

        Raises:
            ReleaseNotFoundError: there is no release of that id.
            ReleaseDamagedError: it is damaged.
            ReleaseVersionError: it has another format version.
        """
        path = self._path(release_id)
        release = Release.open(path)
        if release.id != release_id:
            raise ReleaseDamagedError(f"its manifest is that of {release.id}", path)
        return release

    def open_current(self) -> Release:
        """Open the current release; if it is damaged, the last good one before it.

        It falls back only to releases that were current once, since one that was published without
        being activated may have been held back for a reason. If the history is lost, it falls back
        to the newest good release. What is skipped is logged.

        Raises:
            NoReleaseError: no release is current, or none can be opened.
        """
        reasons = []
        for release_id in self._candidates():
            try:
                release = self.open(release_id)
            except ReleaseError as error:
                reasons.append(str(error))
                _log.warning("release %s cannot be opened: %s", release_id, error)
                continue
            if reasons:
                _log.warning("using release %s instead", release_id)
            return release
        if reasons:
            raise NoReleaseError(f"no release can be opened: {'; '.join(reasons)}", self.root)
        raise NoReleaseError("there is no current release: publish or activate one", self.root)

    def verify(self, release_id: str) -> Manifest:
        """Check every byte of one release and return its manifest; errors are those of ``open``."""
        return self.open(release_id).manifest

    def activate(self, release_id: str) -> None:
        """Verify a release and make it current.

        Raises:
            ReleaseNotFoundError: there is no release of that id.
            ReleaseDamagedError: it is damaged.
            ReleaseError: the store is not writable.
            SearchUnavailableError: the mirror failed.
        """
        with self._mirror_lock():
            release = self.open(release_id)
            if self._mirror is not None:
                self._mirror.prepare(release)
                if release_id != self.current_id():
                    self._mirror.point(release_id)
            with store_lock(self.root), _disk_errors(self.root, "activating"):
                # It may have been pruned meanwhile.
                self._path(release_id)
                if release_id != self.current_id():
                    self._move(release_id, "activate")

    def rollback(self) -> str:
        """Make the release current that was current before, and return its id.

        Releases that are gone or damaged are skipped.

        Raises:
            NoReleaseError: there is none, or the store is missing.
            ReleaseError: the store is not writable.
            SearchUnavailableError: the mirror failed.
        """
        with self._mirror_lock():
            while True:
                with store_lock(self.root), _disk_errors(self.root, "rolling back"):
                    current, before = self.current_id(), self._trail()
                release = self._newest_good(before)
                if self._mirror is not None:
                    self._mirror.prepare(release)
                    self._mirror.point(release.id)
                with store_lock(self.root), _disk_errors(self.root, "rolling back"):
                    # Otherwise the store has changed meanwhile: look again.
                    if self.current_id() == current and release.path.is_dir():
                        self._move(release.id, "rollback")
                        return release.id

    def prune(self, keep: int) -> ReleaseIds:
        """Remove releases older than the newest ``keep`` good ones.

        The current release stays at any age. If it is damaged, the one that ``open_current`` falls
        back to stays too; with ``keep`` above 1, so does the one that a rollback would return to.
        A damaged release does not count towards ``keep``. A process that has a removed release open
        can go on reading it.

        Args:
            keep: how many good releases to keep, from 0 up.

        Returns:
            The ids of the removed releases.

        Raises:
            NoReleaseError: the store is missing.
            ReleaseError: ``keep`` is negative, or the store is not writable.
            SearchUnavailableError: the mirror failed; the releases are removed all the same.
        """
        if keep < 0:
            raise ReleaseError(f"cannot keep {keep} releases")
        with self._mirror_lock():
            damage = {summary.id: summary.damage for summary in self.list()}
            with store_lock(self.root), _disk_errors(self.root, "removing releases"):
                remove_leftovers(self.root)
                summaries = [
                    replace(summary, damage=summary.damage or damage.get(summary.id))
                    for summary in self.list(verify=False)
                ]
                removed = self._to_remove(summaries, keep)
                hidden = [hide_folder(self.root / release_id) for release_id in removed]
            for folder in hidden:
                shutil.rmtree(folder, ignore_errors=True)
            if self._mirror is not None:
                self._mirror.keep(summary.id for summary in summaries if summary.id not in removed)
        return removed

    def _write(
        self,
        folder: Path,
        contents: ReleaseContents,
        parent: str | None,
        measure: Measure | None,
    ) -> Release:
        """Write, open and measure a release, which is then to be renamed to its ``path``."""
        with _disk_errors(self.root, "publishing"):
            manifest = write_files(folder, contents, parent)
            write_manifest(folder, manifest)
        written = Release.open(folder, check_hashes=False)
        manifest = manifest.with_metrics({} if measure is None else measure(written))
        with _disk_errors(self.root, "publishing"):
            write_manifest(folder, manifest)
            sync_folder(folder)
        return replace(written, path=self.root / manifest.id, manifest=manifest)

    def _to_remove(self, summaries: Summaries, keep: int) -> ReleaseIds:
        good = [summary.id for summary in summaries if summary.damage is None]
        kept = {*good[:keep], *(summary.id for summary in summaries if summary.current)}
        served = [release_id for release_id in self._candidates() if release_id in good]
        kept.update(served[: 2 if keep > 1 else 1])
        ids = [summary.id for summary in summaries]
        oldest_kept = 0 if keep == 0 else len(ids)
        if 0 < keep <= len(good):
            oldest_kept = ids.index(good[keep - 1])
        return [release_id for release_id in ids[oldest_kept:] if release_id not in kept]

    def _newest_good(self, release_ids: ReleaseIds) -> Release:
        """Open the last of some releases that can be opened. Raises NoReleaseError."""
        for release_id in reversed(release_ids):
            try:
                return self.open(release_id)
            except ReleaseError as error:
                _log.warning("release %s is skipped: %s", release_id, error)
        raise NoReleaseError("no release to roll back to was current before", self.root)

    def _mirror_lock(self) -> AbstractContextManager[None]:
        return nullcontext() if self._mirror is None else mirror_lock(self.root)

    def _move(self, release_id: str, cause: str) -> None:
        """Make a release current; to be called under the store's lock."""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        activation = Activation(now, cause, release_id, self.current_id())
        append_activation(self.root / "activations.jsonl", activation)
        self._pointer.write(release_id)

    def _trail(self) -> ReleaseIds:
        activations = read_activations(self.root / "activations.jsonl")
        return trail(activations, self.current_id())

    def _candidates(self) -> ReleaseIds:
        """Return ids to serve from, the best first: the current, then those that were before."""
        current = self.current_id()
        if current is None and not self._pointer.path.exists():
            return []
        before = self._trail()
        if not (self.root / "activations.jsonl").exists():
            before = [summary.id for summary in reversed(self.list(verify=False))]
        newest_first = [release_id for release_id in reversed(before) if release_id != current]
        return newest_first if current is None else [current, *newest_first]

    def _path(self, release_id: str) -> Path:
        path = self.root / release_id
        if RELEASE_ID.fullmatch(release_id) is None or not path.is_dir():
            raise ReleaseNotFoundError(f"there is no release {release_id!r}", self.root)
        return path

    def _folders(self) -> Iterator[Path]:
        if self.root.is_dir():
            for path in self.root.iterdir():
                if RELEASE_ID.fullmatch(path.name):
                    yield path

    def _summary(self, path: Path, current: str | None, verify: bool) -> ReleaseSummary:
        manifest, damage = None, None
        try:
            manifest = read_manifest(path)
            if verify:
                self.open(path.name)
            for name, entry in manifest.files.items():
                check_size(path / name, entry)
        except ReleaseError as error:
            damage = str(error)
        return ReleaseSummary(path.name, path.name == current, manifest, damage)


def _age(summary: ReleaseSummary) -> tuple[str, str]:
    """Order by the second in the id, then by the time in the manifest."""
    moment = summary.manifest.created_at if summary.manifest else ""
    return summary.id[:16], moment


@contextmanager
def _disk_errors(root: Path, action: str) -> Iterator[None]:
    """Turn an OSError raised in the block into a ReleaseError that names the action."""
    try:
        yield
    except OSError as error:
        raise ReleaseError(
            f"{action} failed, and the current release is unchanged: {disk_fault(error, root)}",
            root,
        ) from error
