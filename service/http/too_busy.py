"""The 503 of overload: the response to requests over the concurrency limit."""

from uuid import uuid4

from bitrecall.service.http.raw_problems import CLOSE
from bitrecall.service.problems import PROBLEM_MEDIA_TYPE, PROBLEMS


class TooBusyResponse:
    """Renders the response with little work.

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
