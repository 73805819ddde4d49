"""ASGI's ``receive`` and ``send`` for one request, without waiting and with one write.

uvicorn's ``receive`` resumes reading and waits for an event even if the body has arrived, and its
``send`` checks every header and writes head and body separately. On the fast path the service sets
all headers itself, and head and body are ready together.
"""

from typing import Final

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from bitrecall.service.errors import TooBusyError

_START: Final = "http.response.start"
_OK: Final = b"HTTP/1.1 200 OK\r\n"
_CLOSE: Final = b"connection: close\r\n"


class BufferedExchange:
    """One request and its response.

    Args:
        cycle: uvicorn's state of the same request.
        is_client_done: whether the client has closed its side of the connection.

    Attributes:
        cycle: uvicorn's state of the request.
        is_client_done: kept up to date by the connection.
        is_rejected: whether there were too many requests when the last byte of this one arrived.
    """

    __slots__ = ("_is_body_read", "_start", "cycle", "is_client_done", "is_rejected")

    def __init__(self, cycle: RequestResponseCycle, *, is_client_done: bool = False) -> None:
        self.cycle = cycle
        self.is_client_done = is_client_done
        self.is_rejected = False
        self._is_body_read = False
        # A response.start that waits for its body.
        self._start: Message | None = None

    async def receive(self) -> Message:
        """The body; then ``http.disconnect``, once the client has closed its side or is gone.

        Raises:
            TooBusyError: there were too many requests when the last byte of this one arrived.
        """
        cycle = self.cycle
        if self._is_body_read:
            if not self.is_client_done:
                await cycle.receive()
            return {"type": "http.disconnect"}
        if cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
            message: Message = await cycle.receive()  # type: ignore[assignment]
            if message["type"] != "http.request":
                return message
        else:
            message = {"type": "http.request", "body": bytes(cycle.body), "more_body": False}
            cycle.body.clear()
            cycle.message_event.clear()
        self._is_body_read = not message["more_body"]
        if self._is_body_read and self.is_rejected:
            raise TooBusyError
        return message

    async def send(self, message: Message) -> None:
        """Send a response of the fast path: a 200 with one body in one write.

        All other messages go through uvicorn's ``send``.
        """
        if message["type"] == _START and message["status"] == 200:
            self._start = message
            return
        start, self._start = self._start, None
        cycle = self.cycle
        if start is not None:
            is_ready = not (cycle.flow.write_paused or cycle.disconnected)
            if is_ready and not message.get("more_body", False):
                self._write(start, message["body"])
                return
            await cycle.send(start)  # type: ignore[arg-type]
        await cycle.send(message)  # type: ignore[arg-type]

    def _write(self, start: Message, body: bytes) -> None:
        cycle = self.cycle
        parts = [_OK]
        for name, value in (*cycle.default_headers, *start["headers"]):
            parts += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            parts.append(_CLOSE)
        parts += (b"\r\n", body)
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(b"".join(parts))
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
