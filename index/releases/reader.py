"""Reading a folder of releases: listing, verifying and opening them.

ROOT/
  20261123T174500Z-3fa94c1b/   a release, complete or absent
  CURRENT                      the id of the current release
  activations.jsonl            the history of ``CURRENT`` (``index/releases/activations.py``)
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bitrecall.index.errors import (
    NoReleaseError,
    ReleaseDamagedError,
    ReleaseError,
    ReleaseNotFoundError,
)
from bitrecall.index.releases.activations import read_activations, trail
from bitrecall.index.releases.files import check_size
from bitrecall.index.releases.json_checks import RELEASE_ID
from bitrecall.index.releases.manifest import Manifest
from bitrecall.index.releases.pointer import CurrentPointer
from bitrecall.index.releases.release import Release, read_manifest

ACTIVATIONS_NAME = "activations.jsonl"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReleaseSummary:
    """One release in a list of releases.

    Attributes:
        id: the name of its folder.
        current: whether it is the current release.
        manifest: the manifest; None if it cannot be read.
        damage: why the release cannot be opened; None if it can.
    """

    id: str
    current: bool
    manifest: Manifest | None
    damage: str | None


# Inside the class, ``list`` is its method.
Summaries = list[ReleaseSummary]
ReleaseIds = list[str]


class ReleaseReader:
    """The releases in a folder, read-only: reading writes nothing.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._pointer = CurrentPointer(self.root)

    def list(self, *, verify: bool = True) -> Summaries:
        """Return all releases, newest first, including damaged ones.

        Args:
            verify: check every byte; otherwise only the file sizes.
        """
        current = self.current_id()
        summaries = [self._summary(path, current, verify) for path in self._folders()]
        return sorted(summaries, key=_age, reverse=True)

    def current_id(self) -> str | None:
        """Return the id of the current release; None if there is no pointer or it is damaged.

        The same damage is logged once, not at every call.
        """
        return self._pointer.read()

    def open(self, release_id: str) -> Release:
        """Verify and open a release.

        Raises:
            ReleaseNotFoundError: the store has no such release.
            ReleaseDamagedError: it is damaged.
            ReleaseVersionError: it has another format version.
        """
        path = self._path(release_id)
        release = Release.open(path)
        if release.id != release_id:
            raise ReleaseDamagedError(f"contains the manifest of release {release.id}", path)
        return release

    def open_current(self) -> Release:
        """Open the current release; if it is damaged, the last good release before it.

        Only releases that were current before are used: a release that was never activated may have
        been held back for a reason. If the history is lost, the newest good release is used.
        Skipped releases are logged; if all are, the error has the reasons.

        Raises:
            NoReleaseError: no release is current, or none can be opened.
        """
        reasons = []
        for release_id in self._candidates():
            try:
                release = self.open(release_id)
            except ReleaseError as error:
                reasons.append(str(error))
                continue
            if reasons:
                for reason in reasons:
                    _log.warning("skipping a release that cannot be opened: %s", reason)
                _log.warning("using release %s instead", release_id)
            return release
        if reasons:
            raise NoReleaseError(f"no release can be opened: {'; '.join(reasons)}", self.root)
        raise NoReleaseError(
            "there is no current release: publish one with `bitrecall train DATA --releases "
            f"{self.root}`, or activate one of `bitrecall release list --releases {self.root}`"
            + self._stores_inside(),
            self.root,
        )

    def _stores_inside(self) -> str:
        """Return a hint that names the release stores in folders of this one, or nothing."""
        stores = [str(path.parent) for path in self.root.glob("*/CURRENT")]
        return f". Folders of it with releases: {', '.join(sorted(stores)[:5])}" if stores else ""

    def verify(self, release_id: str) -> Manifest:
        """Check every byte of a release and return its manifest. Raises what ``open`` raises."""
        return self.open(release_id).manifest

    def _newest_good(self, release_ids: ReleaseIds) -> Release:
        """Open the last release in a list that can be opened. Raises NoReleaseError."""
        for release_id in reversed(release_ids):
            try:
                return self.open(release_id)
            except ReleaseError as error:
                _log.warning("skipping release %s: %s", release_id, error)
        raise NoReleaseError("there is no earlier release to roll back to", self.root)

    def _trail(self) -> ReleaseIds:
        activations = read_activations(self.root / ACTIVATIONS_NAME)
        return trail(activations, self.current_id())

    def _candidates(self) -> ReleaseIds:
        """Return the releases to serve from: the current, then the earlier ones, latest first."""
        current = self.current_id()
        if current is None and not self._pointer.path.exists():
            return []
        earlier = self._trail()
        if not (self.root / ACTIVATIONS_NAME).exists():
            earlier = [summary.id for summary in reversed(self.list(verify=False))]
        latest_first = [release_id for release_id in reversed(earlier) if release_id != current]
        return latest_first if current is None else [current, *latest_first]

    def _path(self, release_id: str) -> Path:
        path = self.root / release_id
        if RELEASE_ID.fullmatch(release_id) is None or not path.is_dir():
            raise ReleaseNotFoundError(
                f"there is no release {release_id!r}: list the releases with `bitrecall release "
                f"list --releases {self.root}`",
                self.root,
            )
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
    """Return a sort key: the second in the id, then the time in the manifest."""
    created_at = summary.manifest.created_at if summary.manifest else ""
    return summary.id[:16], created_at
