"""Responses in JSON."""

from typing import Any, Final

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Send

_JSON: Final = (b"content-type", b"application/json")


def json_response(document: Any) -> Response:
    """A response with status 200 and a document as JSON."""
    return Response(to_json(document), media_type="application/json")


async def send_json(send: Send, content: bytes) -> None:
    """Send JSON with status 200: as a ``Response`` would, without its overhead."""
    headers = [(b"content-length", b"%d" % len(content)), _JSON]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
