"""What is counted often, told to Prometheus's client many at a time.

Its counters lock, and with several workers write to a file, for each count; a request has six.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from prometheus_client import Histogram

Told = TypeVar("Told")


class Tally(Generic[Told]):
    """What has been counted and not told yet. Any thread adds to it, and one takes.

    Attributes:
        add: add something.
    """

    def __init__(self) -> None:
        self._told: deque[Told] = deque()
        self.add: Callable[[Told], None] = self._told.append

    def taken(self) -> list[Told]:
        """All that there is, which is forgotten."""
        return [self._told.popleft() for _ in range(len(self._told))]


class TalliedHistogram(Histogram):
    """A histogram that takes many observations at once.

    The client's own takes one at a time; this knows what it does with it.
    """

    def observe_all(self, amounts: Sequence[float]) -> None:
        """As ``observe`` with each of them."""
        places = Counter(bisect_left(self._upper_bounds, amount) for amount in amounts)
        for place, count in places.items():
            self._buckets[place].inc(count)
        self._sum.inc(sum(amounts))
