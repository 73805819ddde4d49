"""Reading a request body, with checks of its media type, its length and its time of arrival."""

import asyncio
from collections.abc import Awaitable

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from bitrecall.service.errors import (
    BodyTooLargeError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)
from bitrecall.service.http.eager import EagerCoroutine

_JSON = (b"content-type", b"application/json")


async def read_body(scope: Scope, receive: Receive, *, limit: int, seconds: float) -> bytes:
    """Read the body of a request, which has to be declared as JSON.

    A declared length over the limit is rejected before any of the body is read.

    Args:
        scope: the ASGI scope of the request.
        receive: the ASGI ``receive`` of the request.
        limit: maximum length in bytes.
        seconds: maximum time for the body to arrive.

    Raises:
        UnsupportedMediaTypeError: it is not declared as uncompressed JSON in UTF-8.
        BodyTooLargeError: it is longer than the limit.
        RequestTimeoutError: it did not arrive in time.
        ClientDisconnect: the client disconnected.
    """
    _check_headers(scope, limit)
    # Most bodies have arrived by now, and a timer costs more than reading them.
    first: EagerCoroutine[Message] = EagerCoroutine(receive())
    if first.is_done and not first.result.get("more_body", False):
        return _joined(b"", first.result, limit)
    try:
        async with asyncio.timeout(seconds):
            return await _collect(first, receive, limit)
    except TimeoutError:
        raise RequestTimeoutError(
            f"the body did not arrive within {seconds:g} seconds", headers={"Connection": "close"}
        ) from None


def _check_headers(scope: Scope, limit: int) -> None:
    # Most requests have exactly this header, which then needs no parsing.
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
        _check_media_type(headers)
        declared = headers.get("content-length", "").encode("latin-1")
    # The HTTP parser has already rejected a length that is not a number.
    if declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)


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
    body += message.get("body", b"")
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"the body is longer than {limit} bytes")


def _check_media_type(headers: Headers) -> None:
    declared = headers.get("content-type", "")
    media_type, _, parameters = declared.partition(";")
    media_type = media_type.strip().lower()
    if media_type != "application/json":
        actual = f"not {media_type[:100]!r}" if media_type else "but the header is missing"
        raise UnsupportedMediaTypeError(f"the content type has to be application/json, {actual}")
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in ("utf-8", "utf8"):
            raise UnsupportedMediaTypeError(f"the charset has to be utf-8, not {charset[:100]!r}")
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMediaTypeError(
            f"the body has to be uncompressed, not {coding[:100]!r}",
            headers={"Accept-Encoding": "identity"},
        )
