"""Limits on all connections of a process together: their number and their memory."""

from collections.abc import Callable, Collection
from typing import Final, Protocol

from bitrecall.service.http.connection_limits import ConnectionLimits

# A client that reads slowly may exceed the limit for this long.
_GRACE_SECONDS: Final = 1.0


class Connection(Protocol):
    """The interface of a connection to its budget."""

    def now(self) -> float:
        """The time of its event loop."""

    def waiting_since(self) -> tuple[bool, float] | None:
        """Whether it has ever sent a response, and since when it has waited for its client.

        None while the application works on a request.
        """

    def unread_bytes(self) -> int:
        """Bytes of responses that its client has not read."""

    def unread_since(self) -> float:
        """The time at which its client stopped reading a response."""

    def drop(self) -> None:
        """Close it at once and discard unwritten data."""


class ConnectionBudget:
    """Keeps the connections of a process within their limits.

    Args:
        limits: the limits.
        dropped: called with the reason when a connection is closed because of its client.
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
        """Close a connection if a new one is over the limit.

        Connections that never sent a complete request are closed first, then those that have waited
        longest. Their clients lose no accepted request.

        Returns:
            Whether the new connection is within the limit now.
        """
        if len(connections) <= self.limits.connections:
            return True
        waiting = [
            (since, connection)
            for connection in connections
            if connection is not new and (since := connection.waiting_since())
        ]
        if not waiting:
            return False
        self.dropped("too-many-connections")
        _, longest_waiting = min(waiting, key=lambda entry: entry[0])
        longest_waiting.drop()
        return True

    def hold_unread(self, connection: Connection) -> None:
        """Register an unread response, and drop the slowest clients if over the limit.

        Clients that have been slow only briefly stay: every large response is unread at first.
        """
        self._unread[connection] = None
        total = sum(slow.unread_bytes() for slow in self._unread)
        grace_start = connection.now() - _GRACE_SECONDS
        for slowest in list(self._unread):
            if total <= self.limits.buffered_bytes or slowest.unread_since() > grace_start:
                return
            total -= slowest.unread_bytes()
            self._unread.pop(slowest, None)
            self.dropped("answer-not-read")
            slowest.drop()

    def release_unread(self, connection: Connection) -> None:
        """Unregister a response: the client has read it or has disconnected."""
        self._unread.pop(connection, None)

    def hold_incomplete(self, connection: Connection, size: int) -> bool:
        """Register the size of an incomplete request in memory.

        Returns:
            Whether it is within the limit.
        """
        previous = self._incomplete.get(connection, 0)
        total = self._incomplete_bytes + size - previous
        if size > previous and total > self.limits.buffered_bytes:
            return False
        self._incomplete[connection] = size
        self._incomplete_bytes = total
        return True

    def release_incomplete(self, connection: Connection) -> None:
        """Unregister an incomplete request: it is complete, or its connection is closed."""
        self._incomplete_bytes -= self._incomplete.pop(connection, 0)
