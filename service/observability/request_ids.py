"""Request ids: sent by the client or generated; part of the response and of every log line."""

import re
from collections.abc import Iterator
from contextvars import ContextVar, Token
from itertools import count
from secrets import token_hex
from typing import Final, Self

from starlette.types import Scope

HEADER: Final = "X-Request-ID"
_NAME: Final = HEADER.lower().encode()
# Safe in a log line and in a header.
_ALLOWED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request in the current context; None outside a request."""
    return _current.get()


def generated_ids() -> Iterator[str]:
    """Unique ids: 16 random hexadecimal digits per process, and 16 that count.

    They need not be secret, and a random number per request would cost 2% of it
    (``benchmarks/service/http_parts.py``).
    """
    process = token_hex(8)
    return (f"{process}{number:016x}" for number in count())


class RequestId:
    """The id of a request; as a context manager, sets it as the current id.

    Attributes:
        text: the id.
        header: the header of the response with the id.
    """

    __slots__ = ("_token", "header", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._token: Token[str | None] | None = None
        self.header = (_NAME, text.encode())

    @classmethod
    def of(cls, scope: Scope, generated: Iterator[str]) -> Self:
        """The id that the client sent, if it is valid; otherwise a generated one."""
        for name, value in scope["headers"]:
            if name == _NAME and _ALLOWED.fullmatch(value):
                return cls(value.decode())
        return cls(next(generated))

    def __enter__(self) -> None:
        self._token = _current.set(self.text)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
