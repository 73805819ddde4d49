"""Telling requests apart: an id that a client may send, in the answer and in every log line."""

import re
from contextvars import ContextVar
from secrets import token_hex
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "X-Request-ID"
_NAME: Final = HEADER.lower().encode()
# What can stand in a log line and in a header without being mistaken for something else.
_ALLOWED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request that is being answered, None outside of one."""
    return _current.get()


class RequestIds:
    """Gives each request the id that its client sent, or one of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _NAME), b"")
        request_id = given.decode() if _ALLOWED.fullmatch(given) else token_hex(16)
        header = (_NAME, request_id.encode())

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], header]
            await send(message)

        token = _current.set(request_id)
        try:
            await self._app(scope, receive, marked)
        finally:
            _current.reset(token)
