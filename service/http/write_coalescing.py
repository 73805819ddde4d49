"""Combining writes to sockets: each write is a system call, and wakes the process that reads."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

# Number of connections whose writes are combined. A higher number uses less CPU time and delays
# responses: docs/performance.md has the measurement.
_TOGETHER: Final = 2

# Bytes from which waiting for more gains nothing.
_LARGE: Final = 2**16

CallSoon = Callable[[Callable[[], None]], object]


class WriteCoalescer:
    """Collects the connections of one event loop that have pending writes, and flushes them.

    When several requests arrive together, some responses are written directly after one another, so
    that their reader is awake for all but the first. No response waits for longer than one turn of
    the event loop.
    """

    def __init__(self) -> None:
        self._waiting: list[CoalescingTransport] = []

    def add(self, transport: "CoalescingTransport", call_soon: CallSoon) -> None:
        """Schedule a flush of a transport.

        Args:
            transport: a transport with pending writes, and none before.
            call_soon: ``call_soon`` of the event loop.
        """
        self._waiting.append(transport)
        if len(self._waiting) == 1:
            call_soon(self.flush)
        elif len(self._waiting) >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Flush all transports that are waiting."""
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.flush()


class CoalescingTransport:
    """A transport that delays writes briefly, so that head and body become one write.

    All other calls are passed to the wrapped transport.

    Args:
        transport: the wrapped transport.
        coalescer: shared by the transports of the event loop; decides when they are flushed.
        call_soon: ``call_soon`` of the event loop.
    """

    def __init__(
        self, transport: asyncio.Transport, coalescer: WriteCoalescer, call_soon: CallSoon
    ) -> None:
        self._transport = transport
        self._coalescer = coalescer
        self._call_soon = call_soon
        self._pending: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the wrapped transport."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether the transport is closing; defined here because every response needs it."""
        return self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write soon, in the order of the calls."""
        self._pending.append(bytes(data))
        self._bytes += len(data)
        if self._bytes >= _LARGE:
            self.flush()
        elif len(self._pending) == 1:
            self._coalescer.add(self, self._call_soon)

    def flush(self) -> None:
        """Write the pending data."""
        if self._pending:
            joined = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
            self._pending.clear()
            self._bytes = 0
            if not self._transport.is_closing():
                self._transport.write(joined)

    def get_write_buffer_size(self) -> int:
        """Bytes passed to ``write`` that the operating system has not accepted yet."""
        return self._bytes + self._transport.get_write_buffer_size()

    def write_eof(self) -> None:
        """Close the writing side once all data is written."""
        self.flush()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def abort(self) -> None:
        """Close at once and discard unwritten data."""
        self._pending.clear()
        self._bytes = 0
        self._transport.abort()

    def close(self) -> None:
        """Close once all data is written."""
        self.flush()
        self._transport.close()
