"""Proving a recommender on the latest questions before it takes over."""

from collections import deque
from typing import Final

from bitrecall.index.errors import FilterError
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import History, QueryOptions

KEPT: Final = 64
_FIRST_USERS: Final = 32
_WISH: Final = QueryOptions(100)

Query = tuple[str | None, QueryOptions, History | None]


class WarmupQueries:
    """The latest questions asked, to be asked again of whatever is to answer next.

    That brings its files into memory, so that nobody waits for the disk when it takes over; and a
    release on which a question fails for which there was an answer before is not worthy.
    """

    def __init__(self) -> None:
        self._kept: deque[Query] = deque(maxlen=KEPT)

    def keep(self, question: Query) -> None:
        """Remember a question that was answered."""
        self._kept.append(question)

    def replay(self, recommender: Recommender) -> int:
        """Ask everything again, and for some of the release's own users; how many it was.

        A filter by an attribute that the release does not have is no fault of its.
        """
        count = min(_FIRST_USERS, recommender.release.n_users)
        users = recommender.release.users.ids_of(range(count))
        warmup_queries = [*((user, _WISH, None) for user in users), *self._kept]
        for user_id, options, history in warmup_queries:
            try:
                recommender.recommend(user_id, options, history)
            except FilterError:
                continue
        return len(warmup_queries)
