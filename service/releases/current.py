"""The release that is served: loading it, and following the store's current release."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Final

from bitrecall.errors import BitrecallError
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.releases.warmup import WarmupQueries

RETRY_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class CurrentRelease:
    """Holds the recommender of the store's current release.

    A new release replaces the old one with one assignment: a request that started with the old one
    ends with it. A release that cannot be loaded is logged and tried again after
    ``RETRY_SECONDS``; meanwhile its predecessor is served.

    Args:
        store: the release store.
        clock: returns the time in seconds.
        recommender_of: creates the recommender of an open release.

    Attributes:
        recommender: the recommender that is served; None if no release could be loaded.
        reason: why ``recommender`` is None.
        store: the release store.
        warmup_queries: recent queries, for warming up a new release.
        failed_loads: number of releases that could not be loaded.
    """

    def __init__(
        self,
        store: ReleaseStore,
        clock: Callable[[], float] = time.monotonic,
        recommender_of: Callable[[Release], Recommender] = Recommender,
    ) -> None:
        self.recommender: Recommender | None = None
        self.reason = "the store has not been read yet"
        self.store = store
        self.warmup_queries = WarmupQueries()
        self.failed_loads = 0
        self._clock = clock
        self._recommender_of = recommender_of
        self._failed: str | None = None
        self._retry_at = -math.inf

    def refresh(self) -> None:
        """Load the current release of the store, unless it is loaded or has just failed to load.

        Errors in the store or in a release are logged, not raised.
        """
        release_id = self.store.current_id()
        if not self._is_up_to_date(release_id):
            self._refresh(release_id)

    def _refresh(self, release_id: str | None) -> None:
        try:
            self._load(release_id)
        except (BitrecallError, OSError) as error:
            self._record_failure(release_id, error)
        except Exception as error:
            _log.exception("release %s failed on a query", release_id)
            self._record_failure(release_id, error)

    def reload(self) -> None:
        """As ``refresh``, even if the release is loaded or has just failed to load."""
        self._retry_at = -math.inf
        self._refresh(self.store.current_id())

    def close(self) -> None:
        """Release the recommender and its files; the service is not ready afterwards."""
        self.recommender = None
        self.reason = "the service is stopping"

    async def watch(self, interval: float) -> None:
        """Refresh every ``interval`` seconds, away from the event loop, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                # An unexpected error must not end the loop: the next release may be good.
                _log.exception("checking for a new release failed")

    def _is_up_to_date(self, release_id: str | None) -> bool:
        if self.recommender is not None and release_id in (None, self.recommender.release_id):
            return True
        return self._has_failed(release_id) and self._clock() < self._retry_at

    def _has_failed(self, release_id: str | None) -> bool:
        return release_id == self._failed and self._retry_at > -math.inf

    def _load(self, release_id: str | None) -> None:
        if release_id is not None and self.recommender is not None:
            release = self.store.open(release_id)
        else:
            # If no release is loaded, an older one may be used instead.
            release = self.store.open_current()
        if release.id != release_id:
            self._defer(release_id)
        recommender = self._recommender_of(release)
        # The replay reads the files into memory, so that the first requests do not wait for them.
        self.warmup_queries.replay(recommender)
        self.recommender = recommender
        _log.info(
            "serving release %s: %d users, %d items, %d bits",
            release.id,
            release.n_users,
            release.n_items,
            release.bits,
        )

    def _record_failure(self, release_id: str | None, error: Exception) -> None:
        # Warned of and counted once per release, not at every check.
        if not self._has_failed(release_id):
            self.failed_loads += 1
        level = logging.DEBUG if self._has_failed(release_id) else logging.WARNING
        self._defer(release_id)
        if self.recommender is None:
            self.reason = str(error)
            _log.log(level, "no release to serve: %s", error)
        else:
            serving = self.recommender.release_id
            _log.log(level, "release not loaded, still serving %s: %s", serving, error)

    def _defer(self, release_id: str | None) -> None:
        self._failed = release_id
        self._retry_at = self._clock() + RETRY_SECONDS
