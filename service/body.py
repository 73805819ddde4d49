"""Reading a request body: what it claims to be, how long it is, how long it takes."""

import asyncio

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from service.errors import BodyTooLargeError, RequestTimeoutError, UnsupportedMediaTypeError

_JSON = (b"content-type", b"application/json")


async def read_body(scope: Scope, receive: Receive, *, limit: int, seconds: float) -> bytes:
    """The body of a request, at most ``limit`` bytes long, within ``seconds``.

    A body over the limit is refused from its declared length, before any of it is read, or as
    soon as the parts that have come are too long. Raises ``UnsupportedMediaTypeError``,
    ``BodyTooLargeError``, ``RequestTimeoutError``, and starlette's ``ClientDisconnect`` when
    there is nobody left to answer.
    """
    # Most requests say this and nothing else, which is told at a glance.
    if _JSON not in scope["headers"] or _has_coding(scope):
        _refuse_media_type(Headers(scope=scope))
    for name, value in scope["headers"]:
        if name == b"content-length":
            _refuse_length(value, limit)
    try:
        async with asyncio.timeout(seconds):
            return await _collect(receive, limit)
    except TimeoutError:
        raise RequestTimeoutError(
            f"the body did not arrive within {seconds:g} seconds", headers={"Connection": "close"}
        ) from None


async def _collect(receive: Receive, limit: int) -> bytes:
    body = b""
    more = True
    while more:
        part, more = await _part(receive)
        if len(body) + len(part) > limit:
            raise _too_large(limit)
        body += part
    return body


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _has_coding(scope: Scope) -> bool:
    return any(name == b"content-encoding" for name, _ in scope["headers"])


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
