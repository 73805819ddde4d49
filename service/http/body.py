"""Reading a request body: what it claims to be, how long it is, how long it takes."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from bitrecall.service.errors import (
    BodyTooLargeError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)
from bitrecall.service.http.direct_response import exchange_of
from bitrecall.service.http.eager import EagerCoroutine

_JSON = (b"content-type", b"application/json")


async def read_body(scope: Scope, receive: Receive, *, limit: int, seconds: float) -> bytes:
    """The body of a request, at most ``limit`` bytes long, within ``seconds``: ``begin_body``."""
    body = begin_body(scope, receive, limit=limit, seconds=seconds)
    return body if isinstance(body, bytes) else await body


def begin_body(
    scope: Scope, receive: Receive, *, limit: int, seconds: float
) -> bytes | Coroutine[Any, Any, bytes]:
    """The body of a request where it is there, or what waits for it.

    A body over the limit is refused from its declared length, before any of it is read, or as
    soon as the parts that have come are too long. Raises ``UnsupportedMediaTypeError``,
    ``BodyTooLargeError``, ``RequestTimeoutError``, and starlette's ``ClientDisconnect`` when
    there is nobody left to answer.
    """
    # Most requests say that they are JSON and nothing else, which is told at a glance.
    is_json, declared = False, b""
    for header in scope["headers"]:
        name = header[0]
        if name == b"content-type":
            is_json = header == _JSON
        elif name == b"content-length":
            declared = header[1]
        elif name == b"content-encoding":
            is_json = False
            break
    if not is_json:
        headers = Headers(scope=scope)
        _refuse_media_type(headers)
        declared = headers.get("content-length", "").encode("latin-1")
    _refuse_length(declared, limit)
    # Most bodies are there already, and a timer for nothing takes a twentieth of an answer.
    whole = exchange_of(scope)
    if whole is not None and (body := whole.body()) is not None:
        return _limited(body, limit)
    first: EagerCoroutine[Message] = EagerCoroutine(receive())
    if first.is_over and not first.result.get("more_body", False):
        return _joined(b"", first.result, limit)
    return _awaited(first, receive, limit, seconds)


async def _awaited(
    first: Awaitable[Message], receive: Receive, limit: int, seconds: float
) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await _collect(first, receive, limit)
    except TimeoutError:
        raise RequestTimeoutError(
            f"the body did not arrive within {seconds:g} seconds", headers={"Connection": "close"}
        ) from None


async def _collect(first: Awaitable[Message], receive: Receive, limit: int) -> bytes:
    message = await first
    body = _joined(b"", message, limit)
    while message.get("more_body", False):
        message = await receive()
        body = _joined(body, message, limit)
    return body


def _joined(body: bytes, message: Message, limit: int) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return _limited(body + message.get("body", b""), limit)


def _limited(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _refuse_length(declared: bytes, limit: int) -> None:
    # A length that is not a number is refused by the HTTP parser before it comes here.
    if declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"the body is longer than {limit} bytes")


def _refuse_media_type(headers: Headers) -> None:
    declared = headers.get("content-type", "")
    media_type, _, parameters = declared.partition(";")
    media_type = media_type.strip().lower()
    if media_type != "application/json":
        said = f"not {media_type[:100]!r}" if media_type else "and there is no such header"
        raise UnsupportedMediaTypeError(f"the content type has to be application/json, {said}")
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in ("utf-8", "utf8"):
            raise UnsupportedMediaTypeError(f"JSON is in UTF-8, not in {charset[:100]!r}")
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMediaTypeError(
            f"the body has to be uncompressed, not {coding[:100]!r}",
            headers={"Accept-Encoding": "identity"},
        )
