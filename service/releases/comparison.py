"""Recommenders of releases other than the current one, for comparison."""

from threading import Lock

from bitrecall.index.errors import NoReleaseError, ReleaseError, ReleaseNotFoundError
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.service.errors import ReleaseRefusedError, UnknownReleaseError
from bitrecall.service.releases.current import CurrentRelease


class ReleaseCache:
    """Opens releases for comparison; the last one stays open.

    Their recommenders ignore events: the comparison is between the trained codes of the same users.
    """

    def __init__(self, current: CurrentRelease) -> None:
        self._current = current
        self._opening = Lock()
        self._open: Recommender | None = None

    def recommender(self, release_id: str) -> Recommender:
        """The recommender of a release. Blocks: not for the event loop.

        Raises:
            UnknownReleaseError: the store has no such release.
            ReleaseRefusedError: the release is damaged.
        """
        current = self._current.recommender
        if current is not None and current.release_id == release_id:
            return current
        with self._opening:
            if self._open is None or self._open.release_id != release_id:
                try:
                    self._open = Recommender(self._current.store.open(release_id))
                except (ReleaseNotFoundError, NoReleaseError):
                    raise UnknownReleaseError(f"unknown release: {release_id[:100]!r}") from None
                except ReleaseError as error:
                    name = error.path.name if error.path else "the release"
                    raise ReleaseRefusedError(f"{name} is damaged") from error
            return self._open
