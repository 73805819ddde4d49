"""An answer that went well, from the application to the socket in one message.

ASGI has an answer in two messages, and uvicorn looks through each header of each for what could be
wrong with it. Where head and body are there together and the headers are our own, that takes a
twelfth of an answer for nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import Message, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# The type of the message, and the name of the extension of ASGI in a scope.
WHOLE: Final = "bitrecall.response.whole"

_EXTENSIONS: Final[Mapping[str, Any]] = {WHOLE: {}}
_CLOSE: Final = (b"connection", b"close")


def takes_whole(scope: Scope) -> bool:
    """Whether what asked takes an answer in one message: ``headers`` and ``body``, status 200.

    The headers have names in lower case, nothing in them of which HTTP would be ended, a
    content-length that is true, and none about the connection.
    """
    return WHOLE in scope.get("extensions", ())


def offer_whole(cycle: RequestResponseCycle) -> Send:
    """Have a cycle of uvicorn's take an answer in one message; what to send to."""
    cycle.scope["extensions"] = dict(_EXTENSIONS)
    flow: FlowControl = cycle.flow

    async def send(message: Message) -> None:
        if message["type"] != WHOLE:
            await cycle.send(message)  # type: ignore[arg-type]
        elif flow.write_paused or cycle.disconnected:
            headers, body = message["headers"], message["body"]
            start = {"type": "http.response.start", "status": 200, "headers": headers}
            await cycle.send(start)  # type: ignore[arg-type]
            await cycle.send({"type": "http.response.body", "body": body, "more_body": False})
        else:
            _write(cycle, message)

    return send


def _write(cycle: RequestResponseCycle, message: Message) -> None:
    """What ``cycle.send`` does for both messages, without looking for faults."""
    parts = [b"HTTP/1.1 200 OK\r\n"]
    headers = [*cycle.default_headers, *message["headers"]]
    if not cycle.keep_alive:
        headers.append(_CLOSE)
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    parts += (b"\r\n", message["body"])
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join(parts))
    cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
