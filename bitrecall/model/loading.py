"""``bitrecall.load``: a release of a store as a model."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from bitrecall.index.errors import NoReleaseError
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.model.model import Model

__all__ = ["load"]


def load(releases: str | PathLike[str] = "releases", *, release: str | None = None) -> Model:
    """Open a release of a store: the current one, or the one of an id.

    Args:
        releases: folder of the release store.
        release: id of a release; None opens the current one.

    Raises:
        NoReleaseError: there is no store, or nothing in it can be opened.
        ReleaseNotFoundError: there is no release of that id.
        ReleaseDamagedError, ReleaseVersionError: the release cannot be read.
    """
    root = Path(releases)
    if not root.is_dir():
        raise NoReleaseError(
            "there is no such folder; train a model into it: bitrecall train DATA --releases "
            f"{root}, or bitrecall.fit(events, releases={str(root)!r})",
            root,
        )
    store = ReleaseStore(root)
    return Model(store.open_current() if release is None else store.open(release))
