"""A server with scripted responses."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.tools.small_release import contents, release, repeating_release

__all__ = ["contents", "release", "repeating_release"]


class ScriptedServer(ThreadingHTTPServer):
    """Sends the next of ``responses`` for each request, and keeps the ``requests``.

    A response is a status, headers and a body; None closes the connection without a response.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.responses = []
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def problem(self, status, name, *, headers=None, **members):
        """Add a problem document to the responses."""
        document = {"type": f"/problems/{name}", "title": "A title", "detail": "a detail"}
        self.responses.append((status, headers or {}, json.dumps(document | members).encode()))

    def ok(self, document):
        """Add a successful response."""
        self.responses.append((200, {}, json.dumps(document).encode()))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _respond(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        self.server.requests.append((self.command, self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        response = self.server.responses.pop(0)  # type: ignore[attr-defined]
        if response is None:
            self.close_connection = True
            return
        status, headers, content = response
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _respond  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
