"""Telling requests apart: an id that a client may send, in the answer and in every log line."""

import re
from collections.abc import Iterator
from contextvars import ContextVar, Token
from itertools import count
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


def generated_ids() -> Iterator[str]:
    """Ids that no other process gives: 16 hexadecimal digits by chance, and 16 that count.

    They are no secret, and asking the system for chance each time takes a thirtieth of an answer.
    """
    process = token_hex(8)
    return (f"{process}{number:016x}" for number in count())


class RequestId:
    """The id of one request: current within the context that this is.

    Attributes:
        text: the id.
        header: the header of the answer that says it.
    """

    __slots__ = ("_token", "header", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._token: Token[str | None] | None = None
        self.header = (_NAME, text.encode())

    @classmethod
    def of(cls, scope: Scope, own: Iterator[str]) -> Self:
        """The id that a client sent, where it is one, or else one of our own."""
        for name, value in scope["headers"]:
            if name == _NAME and _ALLOWED.fullmatch(value):
                return cls(value.decode())
        return cls(next(own))

    def __enter__(self) -> None:
        self._token = _current.set(self.text)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
