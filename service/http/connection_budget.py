"""All connections of a process: how many there may be, and how much they may keep in memory."""

from collections.abc import Callable, Collection
from typing import Final, Protocol

from bitrecall.service.http.connection_limits import ConnectionLimits

# An answer that is being read may be over the limit for this long.
_GRACE_SECONDS: Final = 1.0


class Connection(Protocol):
    """What is needed to know of a connection."""

    def now(self) -> float:
        """The time of its event loop."""

    def waiting_since(self) -> tuple[bool, float] | None:
        """Whether it was ever answered, and since when it has waited for its client.

        None while a request of it is being answered.
        """

    def unread_bytes(self) -> int:
        """Bytes of answers that its client has not taken."""

    def unread_since(self) -> float:
        """When its client stopped taking an answer."""

    def drop(self) -> None:
        """Close it now, whatever is still to be written."""


class ConnectionBudget:
    """Keeps the connections of a process within limits.

    Args:
        limits: the limits.
        dropped: told why, whenever one is closed because of what its client does.
    """

    def __init__(
        self, limits: ConnectionLimits, dropped: Callable[[str], None] = lambda reason: None
    ) -> None:
        self.limits = limits
        self.dropped = dropped
        self._unread: dict[Connection, None] = {}
        self._incomplete: dict[Connection, int] = {}
        self._incomplete_bytes = 0

    def make_room(self, new: Connection, connections: Collection[Connection]) -> bool:
        """Close a connection if a new one is over the limit; whether there is room for it now.

        Those that never sent a whole request go first, the longest waiting of them before others.
        Their clients lose nothing that was accepted.
        """
        if len(connections) <= self.limits.connections:
            return True
        others = (one for one in connections if one is not new)
        waiting = [(since, one) for one in others if (since := one.waiting_since())]
        if not waiting:
            return False
        self.dropped("too-many-connections")
        min(waiting, key=lambda pair: pair[0])[1].drop()
        return True

    def hold_unread(self, connection: Connection) -> None:
        """Note that a client does not take its answer, and drop the slowest if there is too much.

        Those that have only just begun to be slow stay, since every large answer is unread at
        first.
        """
        self._unread[connection] = None
        total = sum(one.unread_bytes() for one in self._unread)
        longest_allowed = connection.now() - _GRACE_SECONDS
        for slowest in list(self._unread):
            if total <= self.limits.buffered_bytes or slowest.unread_since() > longest_allowed:
                return
            total -= slowest.unread_bytes()
            self._unread.pop(slowest, None)
            self.dropped("answer-not-read")
            slowest.drop()

    def release_unread(self, connection: Connection) -> None:
        """Note that a client has taken its answer, or is gone."""
        self._unread.pop(connection, None)

    def hold_incomplete(self, connection: Connection, size: int) -> bool:
        """Note how many bytes of an incomplete request are in memory; whether that may be."""
        before = self._incomplete.get(connection, 0)
        total = self._incomplete_bytes + size - before
        if size > before and total > self.limits.buffered_bytes:
            return False
        self._incomplete[connection] = size
        self._incomplete_bytes = total
        return True

    def release_incomplete(self, connection: Connection) -> None:
        """Note that a request is complete, or its connection gone."""
        self._incomplete_bytes -= self._incomplete.pop(connection, 0)
