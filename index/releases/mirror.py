"""Whatever follows a store of releases: a server that searches their codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bitrecall.index.releases.release import Release


class Mirror(Protocol):
    """Kept in step by the store; every method raises SearchUnavailableError where it cannot."""

    def prepare(self, release: Release) -> None:
        """Have what is needed to serve a release; nothing happens where it is there."""
        ...

    def point(self, release_id: str) -> None:
        """Have the release, which was prepared, be the current one there too."""
        ...

    def keep(self, release_ids: Iterable[str]) -> object:
        """Drop what belongs to any other release."""
        ...


class NoMirror:
    """Nothing follows."""

    def prepare(self, release: Release) -> None:
        """Need nothing."""

    def point(self, release_id: str) -> None:
        """Move nothing."""

    def keep(self, release_ids: Iterable[str]) -> None:
        """Drop nothing."""
