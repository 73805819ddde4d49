"""Telling requests apart: an id that a client may send, in the answer and in every log line."""

import re
from contextvars import ContextVar, Token
from secrets import token_hex
from typing import Final, Self

from starlette.types import Scope

HEADER: Final = "X-Request-ID"
_NAME: Final = HEADER.lower().encode()
# What can stand in a log line and in a header without being mistaken for something else.
_ALLOWED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request that is being answered, None outside of one."""
    return _current.get()


class RequestId:
    """The id of one request: current within the context that this is.

    Attributes:
        header: the header of the answer that says it.
    """

    __slots__ = ("_text", "_token", "header")

    def __init__(self, text: str) -> None:
        self._text = text
        self._token: Token[str | None] | None = None
        self.header = (_NAME, text.encode())

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """The id that a client sent, where it is one, or else one of our own."""
        given = next((value for name, value in scope["headers"] if name == _NAME), b"")
        return cls(given.decode() if _ALLOWED.fullmatch(given) else token_hex(16))

    def __enter__(self) -> None:
        self._token = _current.set(self._text)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
