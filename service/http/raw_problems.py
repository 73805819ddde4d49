"""Problem documents as complete HTTP responses, for requests that never reach the application."""

from http import HTTPStatus
from uuid import uuid4

from pydantic_core import to_json

from bitrecall.service.problems import PROBLEM_MEDIA_TYPE, PROBLEMS

CLOSE = b"connection: close\r\n"


def problem_bytes(name: str, detail: str, root_path: str = "") -> bytes:
    """The HTTP response to an invalid request, after which the connection is closed.

    Args:
        name: name of the problem type, a key of ``PROBLEMS``.
        detail: what is wrong with this request.
        root_path: path below which a proxy serves the service.
    """
    problem = PROBLEMS[name]
    body = to_json(
        {
            "type": root_path + problem.uri,
            "title": problem.title,
            "status": problem.status,
            "detail": detail,
            "instance": f"urn:uuid:{uuid4()}",
        }
    )
    head = (
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n"
        f"content-type: {PROBLEM_MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
    )
    retry_after = b"retry-after: 1\r\n" if problem.status == 503 else b""
    return b"".join((head.encode(), retry_after, CLOSE, b"\r\n", body))
