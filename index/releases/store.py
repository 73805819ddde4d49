"""A folder of releases, one of which is current.

ROOT/
  20261123T174500Z-3fa94c1b/   a release, complete or absent
  CURRENT                      the id of the current one
  activations.jsonl            which were current before (see index/releases/activations.py)
  .lock                        held while the pointer or a folder moves
  .publishing-…                a release being written; locked by who writes it
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bitrecall.disk import disk_fault, replace_file, sync
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
from bitrecall.index.releases.files import check_size, read_small
from bitrecall.index.releases.json_checks import RELEASE_ID
from bitrecall.index.releases.locks import (
    locked,
    remove_folder,
    remove_leftovers,
    writing_folder,
)
from bitrecall.index.releases.manifest import Manifest, Metrics
from bitrecall.index.releases.mirror import Mirror, NoMirror
from bitrecall.index.releases.release import Release, ReleaseContents, read_manifest
from bitrecall.index.releases.writer import sync_folder, write_files, write_manifest

_POINTER_AT_MOST = 64
_log = logging.getLogger(__name__)

Measure = Callable[[Release], Metrics]


@contextmanager
def _told(root: Path, what: str) -> Iterator[None]:
    """Turn an OSError while the store is written to into a ReleaseError; ``what`` was tried."""
    try:
        yield
    except OSError as error:
        raise ReleaseError(
            f"{what} failed, and what was current still is: {disk_fault(error, root)}", root
        ) from error


@dataclass(frozen=True)
class ReleaseSummary:
    """A line of a list of releases; `damage` says why one cannot be opened, None where it can.

    `manifest` is None where not even that can be read.
    """

    id: str
    current: bool
    manifest: Manifest | None
    damage: str | None


# `list` inside the class is its method.
Summaries = list[ReleaseSummary]
ReleaseIds = list[str]


class ReleaseStore:
    """The releases in the folder `root`.

    Reading writes nothing, so a service may have the folder read-only; publishing makes the folder
    where there is none. Any number of processes may read while others publish, activate or prune.

    With a `mirror`, whoever makes a release current has it prepared there before, and pruning drops
    it there; where the mirror fails, SearchUnavailableError is raised and nothing is current that
    was not before.
    """

    def __init__(self, root: Path, mirror: Mirror | None = None) -> None:
        self.root = Path(root)
        self._mirror = mirror or NoMirror()
        self._warned: str | None = None

    def publish(
        self,
        contents: ReleaseContents,
        *,
        measure: Measure | None = None,
        activate: bool = True,
        instead_of: str | None = None,
    ) -> Release:
        """Write `contents` as a new release, and make it current where `activate` says so.

        With `instead_of`, the id of a release, it is made current only while that one is: whoever
        has activated another meanwhile knew why.

        The release is written beside the others, opened and so verified, and given to `measure`,
        whose metrics go into its manifest; its parent is the current release. Only then does it
        appear, whole, under its id, and only then does the pointer move: a crash at any moment, or
        an error from `measure`, leaves the store as it was. Leftovers of publishers that died are
        removed. Raises ReleaseContentsError where the contents contradict themselves, ReleaseError
        where `root` is no folder to write to, or the disk is full or fails.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReleaseError(f"cannot be made: {error.strerror}", self.root) from error
        with ExitStack() as stack:
            with locked(self.root), _told(self.root, "publishing"):
                remove_leftovers(self.root)
                parent = self.current_id()
                folder = stack.enter_context(writing_folder(self.root))
            with _told(self.root, "publishing"):
                manifest = write_files(folder, contents, parent)
                write_manifest(folder, manifest)
            written = Release.open(folder)
            metrics = {} if measure is None else measure(written)
            with _told(self.root, "publishing"):
                write_manifest(folder, manifest.with_metrics(metrics))
                sync_folder(folder)
            if activate:
                self._mirror.prepare(written)
            path = self.root / manifest.id
            with locked(self.root), _told(self.root, "publishing"):
                if path.exists():
                    raise ReleaseContentsError("there is already a release of that id", path)
                folder.rename(path)
                sync(self.root)
                release = Release.open(path)
                if activate and instead_of in (None, self.current_id()):
                    # Another process may have pruned since, which did not know of this release.
                    self._mirror.prepare(release)
                    self._move(manifest.id, "publish")
        return release

    def list(self, *, verify: bool = True) -> Summaries:
        """Every release, newest first; damaged ones are listed as such. Never raises for one.

        With `verify` false, files are checked for their sizes alone and not hashed.
        """
        current = self.current_id()
        summaries = [self._summary(path, current, verify) for path in self._folders()]
        return sorted(summaries, key=_age, reverse=True)

    def current_id(self) -> str | None:
        """Return the id in CURRENT; None where there is none, or it is no id.

        The latter is logged once, and not again while the same is wrong with it.
        """
        path = self.root / "CURRENT"
        try:
            text = read_small(path, _POINTER_AT_MOST).decode("ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, ReleaseError) as error:
            self._warn_once(str(error) if isinstance(error, ReleaseError) else f"{path}: {error}")
            return None
        if RELEASE_ID.fullmatch(text) is None:
            self._warn_once(f"{path}: holds {text!r}, which is no release id")
            return None
        self._warned = None
        return text

    def _warn_once(self, message: str) -> None:
        if message != self._warned:
            self._warned = message
            _log.warning("%s", message)

    def open(self, release_id: str) -> Release:
        """Open one release, verified.

        Raises ReleaseNotFoundError where there is none of that id, and as `Release.open` does.
        """
        path = self._path(release_id)
        release = Release.open(path)
        if release.id != release_id:
            raise ReleaseDamagedError(f"its manifest is that of {release.id}", path)
        return release

    def open_current(self) -> Release:
        """Open the current release, or the last good one before it, saying in the log why.

        Only releases that were current once are fallen back to, since one that was published
        without being activated may have been held back for a reason; where no history is left, the
        newest good one is. Raises NoReleaseError where nothing is current or nothing can be opened.
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
                _log.warning("going on with release %s", release_id)
            return release
        if reasons:
            raise NoReleaseError(f"no release can be opened: {'; '.join(reasons)}", self.root)
        raise NoReleaseError("there is no current release: publish or activate one", self.root)

    def verify(self, release_id: str) -> Manifest:
        """Check every byte of one release and return its manifest. Raises as `open` does."""
        return self.open(release_id).manifest

    def activate(self, release_id: str) -> None:
        """Make a release current, once it is verified.

        Raises as `open` does, NoReleaseError where `root` is missing, and ReleaseError where it
        cannot be written to; so do `rollback` and `prune`.
        """
        with locked(self.root), _told(self.root, "activating"):
            self._mirror.prepare(self.open(release_id))
            if release_id != self.current_id():
                self._move(release_id, "activate")

    def rollback(self) -> str:
        """Make the release current that was current before, and return its id.

        Ones that are gone or damaged are passed over. Raises NoReleaseError where there is none.
        """
        with locked(self.root), _told(self.root, "rolling back"):
            for release_id in reversed(self._trail()):
                try:
                    release = self.open(release_id)
                except ReleaseError as error:
                    _log.warning("release %s is passed over: %s", release_id, error)
                    continue
                self._mirror.prepare(release)
                self._move(release_id, "rollback")
                return release_id
        raise NoReleaseError("no release to roll back to was current before", self.root)

    def prune(self, keep: int) -> ReleaseIds:
        """Remove what is older than the newest `keep` good releases; return the removed ids.

        The current release stays whatever its age, and where it is damaged so does the one that
        `open_current` falls back to; of two and more so does the one that a rollback would go to,
        which need not be among the newest after a clock has jumped. A damaged release does not
        count towards `keep`. A release in use stays readable to who has it open. Raises
        ReleaseError on a negative `keep`.
        """
        if keep < 0:
            raise ReleaseError(f"cannot keep {keep} releases")
        with locked(self.root), _told(self.root, "removing releases"):
            remove_leftovers(self.root)
            summaries = self.list()
            good = [summary.id for summary in summaries if summary.damage is None]
            kept = {*good[:keep], *(summary.id for summary in summaries if summary.current)}
            served = [release_id for release_id in self._candidates() if release_id in good]
            kept.update(served[: 2 if keep > 1 else 1])
            ids = [summary.id for summary in summaries]
            oldest_kept = 0 if keep == 0 else len(ids)
            if 0 < keep <= len(good):
                oldest_kept = ids.index(good[keep - 1])
            removed = [release_id for release_id in ids[oldest_kept:] if release_id not in kept]
            for release_id in removed:
                remove_folder(self.root / release_id)
            self._mirror.keep(one for one in ids if one not in removed)
        return removed

    def _move(self, release_id: str, cause: str) -> None:
        """Make a release current; to be called with the lock held."""
        self._mirror.point(release_id)
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        activation = Activation(now, cause, release_id, self.current_id())
        append_activation(self.root / "activations.jsonl", activation)
        replace_file(self.root / "CURRENT", release_id + "\n")

    def _trail(self) -> ReleaseIds:
        activations = read_activations(self.root / "activations.jsonl")
        return trail(activations, self.current_id())

    def _candidates(self) -> ReleaseIds:
        """Ids to serve from, the best first: the current, then those current before."""
        current = self.current_id()
        if current is None and not (self.root / "CURRENT").exists():
            return []
        before = self._trail()
        if not (self.root / "activations.jsonl").exists():
            before = [summary.id for summary in reversed(self.list(verify=False))]
        wanted = [] if current is None else [current]
        return [*wanted, *(other for other in reversed(before) if other != current)]

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
    """Order by the moment in the id, and within a second by the one in the manifest."""
    moment = summary.manifest.created_at if summary.manifest else ""
    return summary.id[:16], moment
