"""One write to the socket where uvicorn makes two, the head of an answer and its body."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

# Bytes from which on nothing is gained by waiting for more.
_ENOUGH: Final = 2**16


class JoiningTransport:
    """A transport that holds what is written until the loop has done what it has to do already.

    Each write is a call of the system and wakes whoever reads, which together take a seventh of an
    answer. Where several requests have come at once, their answers go out one after another when
    all are made, so that their reader is awake for all but the first.

    Everything else is the transport's own.

    Args:
        transport: what to write to.
        call_soon: of the loop.
    """

    def __init__(
        self, transport: asyncio.Transport, call_soon: Callable[[Callable[[], None]], object]
    ) -> None:
        self._transport = transport
        self._call_soon = call_soon
        self._held: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        """What else a transport has."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write before long, in the order of writing."""
        if not self._held:
            self._call_soon(self.flush)
        self._held.append(bytes(data))
        self._bytes += len(data)
        if self._bytes >= _ENOUGH:
            self.flush()

    def flush(self) -> None:
        """Write what is held, if anything is."""
        if self._held:
            joined = b"".join(self._held)
            self._held.clear()
            self._bytes = 0
            if not self._transport.is_closing():
                self._transport.write(joined)

    def close(self) -> None:
        """Close once all is written."""
        self.flush()
        self._transport.close()
