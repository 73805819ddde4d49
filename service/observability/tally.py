"""Counts that are passed to Prometheus's client many at a time.

For each count the client acquires a lock, and with several workers writes to a file. A request has
six counts.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from prometheus_client import Histogram

Entry = TypeVar("Entry")


class Tally(Generic[Entry]):
    """A buffer of counts. Any thread may add to it; one thread drains it.

    Attributes:
        add: add an entry.
    """

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self.add: Callable[[Entry], None] = self._entries.append

    def drain(self) -> list[Entry]:
        """Remove and return all entries."""
        return [self._entries.popleft() for _ in range(len(self._entries))]


class TalliedHistogram(Histogram):
    """A histogram that can record many observations at once.

    It relies on internals of the client's ``Histogram``, which records one at a time.
    """

    def observe_all(self, amounts: Sequence[float]) -> None:
        """Call ``observe`` with each amount, with one update per bucket."""
        buckets = Counter(bisect_left(self._upper_bounds, amount) for amount in amounts)
        for bucket, count in buckets.items():
            self._buckets[bucket].inc(count)
        self._sum.inc(sum(amounts))
