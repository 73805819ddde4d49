"""``bitrecall.load``: open a release of a store as a model."""

from __future__ import annotations

from os import PathLike

from bitrecall.arguments import check_path, check_text
from bitrecall.index.errors import NoReleaseError
from bitrecall.index.releases.files import MANIFEST_NAME
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.model.model import Model

__all__ = ["load"]


def load(releases: str | PathLike[str] = "releases", *, release: str | None = None) -> Model:
    """Open a release as a model.

    Args:
        releases: folder of the release store.
        release: id of the release; None opens the current one.

    Raises:
        ArgumentError: ``releases`` is empty or is not a path, or ``release`` is not text.
        NoReleaseError: the folder does not exist, is not a release store, or has no current
            release, or without ``release`` neither the current release nor an earlier one can be
            opened.
        ReleaseNotFoundError: the store has no release with this id.
        ReleaseDamagedError: the release ``release`` is damaged.
        ReleaseVersionError: the format of ``release`` is not supported.
    """
    root = check_path(releases, "releases")
    if release is not None:
        check_text(release, "release", "20261123T174500Z-3fa94c1b")
    if root.exists() and not root.is_dir():
        raise NoReleaseError("is a file: expected the folder of the release store", root)
    if (root / MANIFEST_NAME).is_file():
        raise NoReleaseError(
            "is a release: expected the folder of the release store; open the release with "
            f"bitrecall.load({str(root.parent)!r}, release={root.name!r})",
            root,
        )
    if not root.is_dir():
        raise NoReleaseError(
            "the folder does not exist; train a model first: bitrecall train DATA --releases "
            f"{root}, or bitrecall.fit(events, releases={str(root)!r})",
            root,
        )
    store = ReleaseStore(root)
    return Model(store.open_current() if release is None else store.open(release))
