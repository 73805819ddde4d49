"""The release that answers now: loading it, looking for a newer one, saying why there is none."""

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

    A new release takes the place of the old one in one assignment: a request that has begun with
    the old one ends with it. A release that cannot be opened is refused, logged, and tried again
    after ``RETRY_SECONDS``; the one before it goes on answering.

    Args:
        store: the releases.
        clock: seconds.
        recommender_of: makes what answers of a release that has been opened.

    Attributes:
        recommender: What answers now; None as long as no release could be loaded.
        reason: Why there is none.
        store: as given.
        questions: those asked of late, which a new release is warmed with before it takes over.
        failed_loads: how many releases were refused.
    """

    def __init__(
        self,
        store: ReleaseStore,
        clock: Callable[[], float] = time.monotonic,
        recommender_of: Callable[[Release], Recommender] = Recommender,
    ) -> None:
        self.recommender: Recommender | None = None
        self.reason = "no release has been looked for yet"
        self.store = store
        self.warmup_queries = WarmupQueries()
        self.failed_loads = 0
        self._clock = clock
        self._recommender_of = recommender_of
        self._refused: str | None = None
        self._retry_at = -math.inf

    def refresh(self) -> None:
        """Load the current release of the store, unless it is held or was refused just now.

        Never raises for something wrong with the store or with a release in it.
        """
        wanted = self.store.current_id()
        if not self._is_settled(wanted):
            self._refresh(wanted)

    def _refresh(self, wanted: str | None) -> None:
        try:
            self._load(wanted)
        except (BitrecallError, OSError) as error:
            self._refuse(wanted, error)
        except Exception as error:
            _log.exception("release %s failed on a question", wanted)
            self._refuse(wanted, error)

    def reload(self) -> None:
        """As ``refresh``, also when the release is held already or was refused just now."""
        self._retry_at = -math.inf
        self._refresh(self.store.current_id())

    def close(self) -> None:
        """Let go of the release and its files; nothing is answered from it any more."""
        self.recommender = None
        self.reason = "the service stops"

    async def watch(self, interval: float) -> None:
        """Refresh every ``interval`` seconds, away from the event loop, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                # A fault of ours must not end the looking: the next release may be well.
                _log.exception("looking for a new release failed")

    def _is_settled(self, wanted: str | None) -> bool:
        if self.recommender is not None and wanted in (None, self.recommender.release_id):
            return True
        return self._has_refused(wanted) and self._clock() < self._retry_at

    def _has_refused(self, wanted: str | None) -> bool:
        return wanted == self._refused and self._retry_at > -math.inf

    def _load(self, wanted: str | None) -> None:
        if wanted is not None and self.recommender is not None:
            release = self.store.open(wanted)
        else:
            # With nothing to answer from, an older release is better than none.
            release = self.store.open_current()
        if release.id != wanted:
            self._defer(wanted)
        recommender = self._recommender_of(release)
        # Its files come into memory now, and not with the first request.
        self.warmup_queries.replay(recommender)
        self.recommender = recommender
        _log.info(
            "serving release %s: %d users, %d items, %d bits",
            release.id,
            release.n_users,
            release.n_items,
            release.bits,
        )

    def _refuse(self, wanted: str | None, error: Exception) -> None:
        # Said and counted once a release, not at every look.
        if not self._has_refused(wanted):
            self.failed_loads += 1
        level = logging.DEBUG if self._has_refused(wanted) else logging.WARNING
        self._defer(wanted)
        if self.recommender is None:
            self.reason = str(error)
            _log.log(level, "no release to serve: %s", error)
        else:
            held = self.recommender.release_id
            _log.log(level, "release refused, still serving %s: %s", held, error)

    def _defer(self, wanted: str | None) -> None:
        self._refused = wanted
        self._retry_at = self._clock() + RETRY_SECONDS
