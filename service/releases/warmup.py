"""Warming up a recommender with recent queries before it is served."""

from collections import deque
from typing import Final

from bitrecall.index.errors import FilterError
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import History, QueryOptions

MAX_QUERIES: Final = 64
_MAX_USERS: Final = 32
_USER_OPTIONS: Final = QueryOptions(100)

Query = tuple[str | None, QueryOptions, History | None]


class WarmupQueries:
    """The most recent queries, which are replayed on a new release before it is served.

    The replay reads the files of the release into memory, so that no client waits for the disk. It
    also checks that the release can answer the queries of its predecessor.
    """

    def __init__(self) -> None:
        self._queries: deque[Query] = deque(maxlen=MAX_QUERIES)

    def add(self, query: Query) -> None:
        """Store a query: the arguments of ``Recommender.recommend``."""
        self._queries.append(query)

    def replay(self, recommender: Recommender) -> int:
        """Run all queries, and queries for some users of the release.

        A query whose filter does not fit the attributes of the release is skipped.

        Returns:
            The number of queries.
        """
        count = min(_MAX_USERS, recommender.release.n_users)
        users = recommender.release.users.ids_of(range(count))
        queries = [*((user, _USER_OPTIONS, None) for user in users), *self._queries]
        for query in queries:
            try:
                recommender.recommend(*query)
            except FilterError:
                continue
        return len(queries)
