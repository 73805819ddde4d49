"""Answers in JSON."""

from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


def json_answer(document: Any) -> Response:
    """A document as the response to a request that went well."""
    return Response(to_json(document), media_type="application/json")
