"""A folder of releases, one of which is current: publishing, activating, rolling back, pruning.

ROOT/
  20261123T174500Z-3fa94c1b/   a release, complete or absent
  CURRENT                      the id of the current release
  activations.jsonl            the history of ``CURRENT`` (``index/releases/activations.py``)
  .lock                        locked while a folder or ``CURRENT`` changes
  .mirror-lock                 locked while a mirror, such as Milvus, is updated
  .publishing-…                a release being written; locked by its writer
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bitrecall.disk import disk_fault, sync
from bitrecall.index.errors import ReleaseContentsError, ReleaseError
from bitrecall.index.releases.activations import Activation, append_activation
from bitrecall.index.releases.locks import (
    hide_folder,
    mirror_lock,
    remove_leftovers,
    store_lock,
    writing_folder,
)
from bitrecall.index.releases.manifest import Metrics
from bitrecall.index.releases.mirror import Mirror
from bitrecall.index.releases.reader import ACTIVATIONS_NAME, ReleaseIds, ReleaseReader
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.retention import releases_to_remove
from bitrecall.index.releases.writer import sync_folder, write_files, write_manifest

Measure = Callable[[Release], Metrics]


class ReleaseStore(ReleaseReader):
    """The releases in a folder.

    Reading writes nothing, so a service may have the folder read-only. Any number of processes may
    read while others publish, activate or prune. Slow steps (writing, hashing, measuring, copying
    to a mirror) do not hold the store's lock.

    Args:
        root: the folder; publishing creates it if it is missing.
        mirror: a copy to keep up to date. A release is copied before it becomes current, and
            removed when it is pruned. If the mirror fails, SearchUnavailableError is raised and the
            current release stays.
    """

    def __init__(self, root: Path, mirror: Mirror | None = None) -> None:
        super().__init__(root)
        self._mirror = mirror

    def check_writable(self) -> None:
        """Create the folder if it is missing, and check that a release can be written to it.

        A training calls it first, so that it does not find out after hours.

        Raises:
            ReleaseError: ``root`` is not a writable folder, or the disk is full or fails.
        """
        self._create_folder()
        with store_lock(self.root), _disk_errors(self.root, "publishing"):
            remove_leftovers(self.root)
            with writing_folder(self.root):
                pass

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
        and measured. Only then is it renamed to its id, and then ``CURRENT`` is replaced. So a
        crash at any step leaves the old or the new release current, complete, and an error from
        ``measure`` leaves the store unchanged. Folders of dead publishers are removed. The current
        release becomes the parent.

        Args:
            contents: the contents of the release.
            measure: gets the opened release, and returns the metrics for its manifest.
            activate: make the release current.
            instead_of: id of a release; make the new release current only if this one still is.

        Returns:
            The opened release.

        Raises:
            ReleaseContentsError: the contents are inconsistent.
            ReleaseError: ``root`` is not a writable folder, or the disk is full or fails.
            SearchUnavailableError: the mirror failed.
        """
        self._create_folder()
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
                        "a release with this id already exists", release.path
                    )
                folder.rename(release.path)
                sync(self.root)
                becomes_current = activate and instead_of in (None, self.current_id())
                if becomes_current and self._mirror is None:
                    self._move(release.id, "publish")
            if becomes_current and self._mirror is not None:
                self._mirror.point(release.id)
                with store_lock(self.root), _disk_errors(self.root, "publishing"):
                    # A process without the mirror may have changed the store meanwhile.
                    self._path(release.id)
                    if instead_of in (None, self.current_id()):
                        self._move(release.id, "publish")
        return release

    def activate(self, release_id: str) -> None:
        """Verify a release and make it current.

        Raises:
            ReleaseNotFoundError: the store has no such release.
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
                # Another process may have pruned it meanwhile.
                self._path(release_id)
                if release_id != self.current_id():
                    self._move(release_id, "activate")

    def rollback(self) -> str:
        """Make the previous current release current again, and return its id.

        Releases that are gone or damaged are skipped.

        Raises:
            NoReleaseError: no earlier release can be opened, or the store is missing.
            ReleaseError: the store is not writable.
            SearchUnavailableError: the mirror failed.
        """
        with self._mirror_lock():
            while True:
                with store_lock(self.root), _disk_errors(self.root, "rolling back"):
                    current, earlier = self.current_id(), self._trail()
                release = self._newest_good(earlier)
                if self._mirror is not None:
                    self._mirror.prepare(release)
                    self._mirror.point(release.id)
                with store_lock(self.root), _disk_errors(self.root, "rolling back"):
                    # If the store has changed meanwhile, try again.
                    if self.current_id() == current and release.path.is_dir():
                        self._move(release.id, "rollback")
                        return release.id

    def prune(self, keep: int) -> ReleaseIds:
        """Remove releases older than the newest ``keep`` good ones.

        The current release is kept at any age. If it is damaged, the release that ``open_current``
        falls back to is kept too; with ``keep`` above 1, so is the release that a rollback would
        return to. Damaged releases do not count towards ``keep``. A process that has opened a
        removed release can still read it.

        Args:
            keep: how many good releases to keep, at least 0.

        Returns:
            The ids of the removed releases.

        Raises:
            NoReleaseError: the store is missing.
            ReleaseError: ``keep`` is negative, or the store is not writable.
            SearchUnavailableError: the mirror failed; the releases are removed nevertheless.
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
                removed = releases_to_remove(summaries, self._candidates(), keep)
                hidden = [hide_folder(self.root / release_id) for release_id in removed]
            for folder in hidden:
                shutil.rmtree(folder, ignore_errors=True)
            if self._mirror is not None:
                self._mirror.keep(summary.id for summary in summaries if summary.id not in removed)
        return removed

    def _create_folder(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReleaseError(f"cannot be created: {error.strerror}", self.root) from error

    def _write(
        self,
        folder: Path,
        contents: ReleaseContents,
        parent: str | None,
        measure: Measure | None,
    ) -> Release:
        """Write, open and measure a release in ``folder``, to be renamed to its ``path``."""
        with _disk_errors(self.root, "publishing"):
            manifest = write_files(folder, contents, parent)
            write_manifest(folder, manifest)
        written = Release.open(folder, check_hashes=False)
        manifest = manifest.with_metrics({} if measure is None else measure(written))
        with _disk_errors(self.root, "publishing"):
            write_manifest(folder, manifest)
            sync_folder(folder)
        return replace(written, path=self.root / manifest.id, manifest=manifest)

    def _mirror_lock(self) -> AbstractContextManager[None]:
        return nullcontext() if self._mirror is None else mirror_lock(self.root)

    def _move(self, release_id: str, cause: str) -> None:
        """Make a release current. Call it under the store's lock."""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        activation = Activation(now, cause, release_id, self.current_id())
        append_activation(self.root / ACTIVATIONS_NAME, activation)
        self._pointer.write(release_id)


@contextmanager
def _disk_errors(root: Path, action: str) -> Iterator[None]:
    """Turn an OSError in the block into a ReleaseError that names the action."""
    try:
        yield
    except OSError as error:
        raise ReleaseError(
            f"{action} failed, and the current release is unchanged: {disk_fault(error, root)}",
            root,
        ) from error
