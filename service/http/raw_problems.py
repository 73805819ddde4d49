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


class TooBusyResponse:
    """The HTTP response to requests over the concurrency limit, rendered with little work.

    Args:
        root_path: path below which a proxy serves the service.
    """

    def __init__(self, root_path: str = "") -> None:
        problem = PROBLEMS["too-busy"]
        body = (
            f'{{"type":"{root_path}{problem.uri}","title":"{problem.title}","status":503,'
            '"detail":"too many concurrent requests; this request was not processed",'
            f'"instance":"urn:uuid:{str(uuid4())[:-12]}'
        )
        end = '"}'
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n"
            f"content-type: {PROBLEM_MEDIA_TYPE}\r\n"
            f"content-length: {len(body) + 12 + len(end)}\r\n"
        )
        self._head = head.encode()
        self._body = body.replace("%", "%%").encode() + b"%012x" + end.encode()
        self._occurrences = 0

    def __call__(self, *, close: bool = False, body: bool = True) -> bytes:
        """Render the next response.

        Args:
            close: whether the connection is closed after it.
            body: whether to include the document; False for a HEAD request.
        """
        self._occurrences += 1
        return b"".join(
            (
                self._head,
                CLOSE if close else b"",
                b"\r\n",
                self._body % self._occurrences if body else b"",
            )
        )
