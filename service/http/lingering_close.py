"""Responding to a request without reading its whole body."""

import asyncio
import contextlib
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bitrecall.service.http.eager import switch_to_task

LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 4 * 2**20


class ClosingResponse(Response):
    """A response after which the connection is closed with a delay.

    Closing a socket with unread data resets the connection, and a client that is still sending may
    lose the response. So the response is sent first, and up to ``LINGER_BYTES`` that arrive within
    ``LINGER_SECONDS`` are read and discarded.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, then wait a while for the client to stop sending."""
        self.headers["Connection"] = "close"
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        # The timeout needs a current task, which a request in a batch does not have yet.
        await switch_to_task()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await _discard_rest(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard_rest(receive: Receive) -> None:
    discarded = 0
    more = True
    while more and discarded < LINGER_BYTES:
        message = await receive()
        discarded += len(message.get("body", b""))
        more = message.get("more_body", False)
