"""A request that has come whole, and its answer in one piece, without the messages of ASGI.

ASGI has a request in messages that are waited for, and an answer in two, of which uvicorn looks
through each header for what could be wrong with it. Where all of a request is there, and head and
body of the answer are ready together with headers of our own, that takes an eighth of an answer for
nothing.
"""

from collections.abc import Sequence
from typing import Final

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

Header = tuple[bytes, bytes]

_EXTENSION: Final = "bitrecall.whole"
_CLOSE: Final = (b"connection", b"close")


class BufferedExchange:
    """What can be had of a request, and given to it, without waiting.

    Attributes:
        headers: what an answer is to say besides its own.
        is_answered: whether ``answer`` has answered.
        is_read: whether its body has been given out to the last byte.
        is_refused: whether it was one too many when the last of it arrived.
    """

    __slots__ = ("_cycle", "headers", "is_answered", "is_read", "is_refused")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self.headers: list[Header] = []
        self.is_answered = False
        self.is_read = False
        self.is_refused = False

    def body(self) -> bytes | None:
        """The body of the request, once; None where more of it is to come."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected:
            return None
        self.is_read = True
        body = bytes(cycle.body)
        cycle.body.clear()
        cycle.message_event.clear()
        return body

    def answer(self, headers: Sequence[Header], body: bytes) -> bool:
        """Answer with status 200, where the client takes it now; whether that is so.

        Args:
            headers: names in lower case, nothing in them of which HTTP would be ended, a
                content-length that is true, and none about the connection.
            body: what they say.
        """
        cycle = self._cycle
        if cycle.flow.write_paused or cycle.disconnected:
            return False
        parts = [b"HTTP/1.1 200 OK\r\n"]
        for name, value in (*cycle.default_headers, *headers, *self.headers):
            parts += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            name, value = _CLOSE
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n", body)
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(b"".join(parts))
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        self.is_answered = True
        return True


def attach(cycle: RequestResponseCycle) -> BufferedExchange:
    """Let a request of uvicorn's be had whole."""
    whole = BufferedExchange(cycle)
    cycle.scope["extensions"] = {_EXTENSION: whole}  # type: ignore[dict-item]
    return whole


def detach(cycle: RequestResponseCycle) -> None:
    """Take the offer back. While it stands, it and the request hold each other in memory."""
    cycle.scope.pop("extensions", None)


def exchange_of(scope: Scope) -> BufferedExchange | None:
    """What has been offered, if it has."""
    extensions = scope.get("extensions")
    return extensions.get(_EXTENSION) if extensions else None
