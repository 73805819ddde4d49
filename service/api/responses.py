"""Answers in JSON."""

from typing import Any

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Scope, Send

from bitrecall.service.http.direct_response import exchange_of

_JSON = (b"content-type", b"application/json")


def json_response(document: Any) -> Response:
    """A document as the response to a request that went well."""
    return Response(to_json(document), media_type="application/json")


async def send_json(scope: Scope, send: Send, content: bytes) -> None:
    """Send JSON as the answer to a request that went well, for less than a ``Response`` takes."""
    headers = [(b"content-length", b"%d" % len(content)), _JSON]
    whole = exchange_of(scope)
    if whole is not None and whole.answer(headers, content):
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
