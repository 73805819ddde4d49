"""The interface of mirrors: copies of a store of releases, such as on a search server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bitrecall.index.releases.release import Release


class Mirror(Protocol):
    """A copy of the store's releases elsewhere, updated by the store.

    Calls are made one at a time, under ``mirror_lock`` and never under the store's lock. They may
    take minutes, and raise SearchUnavailableError if the server fails.
    """

    def prepare(self, release: Release) -> None:
        """Copy what is needed to serve a release, unless the mirror has it."""
        ...

    def point(self, release_id: str) -> None:
        """Make a prepared release current in the mirror."""
        ...

    def keep(self, release_ids: Iterable[str]) -> object:
        """Remove all releases but these."""
        ...
