"""Writes to sockets, put together: each is a call of the system, and wakes whoever reads."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

# Connections that are written to together. More take less of the processor, and keep answers
# waiting for others: docs/performance.md has the measurement.
_TOGETHER: Final = 2

# Bytes from which on nothing is gained by waiting for more.
_ENOUGH: Final = 2**16


class WriteCoalescer:
    """What has been written to connections and not to their sockets yet.

    Where several requests have come at once, a few answers go out one after another, so that their
    reader is awake for all but the first. None waits longer than the loop has something else to do.

    Args:
        call_soon: of the loop.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._waiting: list[CoalescingTransport] = []

    def add(self, transport: "CoalescingTransport") -> None:
        """A transport has something to write, which it had not."""
        self._waiting.append(transport)
        if len(self._waiting) == 1:
            self._call_soon(self.flush)
        elif len(self._waiting) >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write it all."""
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.flush()


class CoalescingTransport:
    """A transport that holds what is written for a moment, so that head and body are one write.

    Everything else is the transport's own.

    Args:
        transport: what to write to.
        outbox: tells when.
    """

    def __init__(self, transport: asyncio.Transport, coalescer: WriteCoalescer) -> None:
        self._transport = transport
        self._coalescer = coalescer
        self._held: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        """What else a transport has."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether the transport is: asked with every answer, hence told without a detour."""
        return self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write before long, in the order of writing."""
        self._held.append(bytes(data))
        self._bytes += len(data)
        if self._bytes >= _ENOUGH:
            self.flush()
        elif len(self._held) == 1:
            self._coalescer.add(self)

    def flush(self) -> None:
        """Write what is held, if anything is."""
        if self._held:
            joined = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held.clear()
            self._bytes = 0
            if not self._transport.is_closing():
                self._transport.write(joined)

    def get_write_buffer_size(self) -> int:
        """Bytes that have been written and that the system has not taken."""
        return self._bytes + self._transport.get_write_buffer_size()

    def write_eof(self) -> None:
        """Write nothing more, once all is written."""
        self.flush()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def abort(self) -> None:
        """Close at once, whatever is still to be written."""
        self._held.clear()
        self._bytes = 0
        self._transport.abort()

    def close(self) -> None:
        """Close once all is written."""
        self.flush()
        self._transport.close()
