"""A server that answers what a test has laid down."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.tools.small_release import contents, release

__all__ = ["contents", "release"]


class Scripted(ThreadingHTTPServer):
    """Answers each request with the next of ``answers``; keeps what was asked.

    An answer is a status, headers and a body; None closes the connection without one.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = []
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def problem(self, status, name, *, headers=None, **members):
        """Lay down a problem document."""
        document = {"type": f"/problems/{name}", "title": "A title", "detail": "a detail"}
        self.answers.append((status, headers or {}, json.dumps(document | members).encode()))

    def ok(self, document):
        """Lay down an answer."""
        self.answers.append((200, {}, json.dumps(document).encode()))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        self.server.asked.append((self.command, self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        answer = self.server.answers.pop(0)  # type: ignore[attr-defined]
        if answer is None:
            self.close_connection = True
            return
        status, headers, content = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
