"""Writes to sockets, combined: each is a system call, and wakes the process that reads."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

# Connections that are written to together. More use less processor time and delay responses:
# docs/performance.md has the measurement.
_TOGETHER: Final = 2

# Bytes from which waiting for more gains nothing.
_LARGE: Final = 2**16

CallSoon = Callable[[Callable[[], None]], object]


class WriteCoalescer:
    """The connections of one event loop that have something to write to their sockets.

    When several requests arrive together, some responses are written one right after the other, so
    that their reader is awake for all but the first. None waits for longer than one turn of the
    event loop.
    """

    def __init__(self) -> None:
        self._waiting: list[CoalescingTransport] = []

    def add(self, transport: "CoalescingTransport", call_soon: CallSoon) -> None:
        """Have a transport flushed soon.

        Args:
            transport: has something to write, and had nothing before.
            call_soon: of the event loop.
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
    """A transport that holds writes for a moment, so that head and body become one write.

    Everything else is passed on to the wrapped transport.

    Args:
        transport: to write to.
        coalescer: shared by the transports of the event loop; decides when they are flushed.
        call_soon: of the event loop.
    """

    def __init__(
        self, transport: asyncio.Transport, coalescer: WriteCoalescer, call_soon: CallSoon
    ) -> None:
        self._transport = transport
        self._coalescer = coalescer
        self._call_soon = call_soon
        self._held: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        """Any other attribute of the wrapped transport."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether the transport is closing; defined here because every response needs it."""
        return self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write soon, in the order of the calls."""
        self._held.append(bytes(data))
        self._bytes += len(data)
        if self._bytes >= _LARGE:
            self.flush()
        elif len(self._held) == 1:
            self._coalescer.add(self, self._call_soon)

    def flush(self) -> None:
        """Write what is held."""
        if self._held:
            joined = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held.clear()
            self._bytes = 0
            if not self._transport.is_closing():
                self._transport.write(joined)

    def get_write_buffer_size(self) -> int:
        """Bytes that were passed to ``write`` and that the operating system has not taken."""
        return self._bytes + self._transport.get_write_buffer_size()

    def write_eof(self) -> None:
        """Close the writing side once everything is written."""
        self.flush()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def abort(self) -> None:
        """Close at once and discard what is not written yet."""
        self._held.clear()
        self._bytes = 0
        self._transport.abort()

    def close(self) -> None:
        """Close once everything is written."""
        self.flush()
        self._transport.close()
