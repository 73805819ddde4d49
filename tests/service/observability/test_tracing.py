"""Traces of requests, sent to a configured endpoint."""

import http.server
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest

from bitrecall.extras import how_to_install
from bitrecall.index.releases.release import Release

pytestmark = pytest.mark.slow

RUN = """
from bitrecall.service import environment, server
server.run(environment.load_settings(**{!r}))
"""


class Collector(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Records exported data."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.traced = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))  # type: ignore[attr-defined]
        if self.path == "/v1/traces":
            self.server.traced.set()  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_sends_a_trace_of_a_request(collector: Collector, release: Release) -> None:
    pytest.importorskip("opentelemetry.sdk", reason=how_to_install("tracing"))
    traces = f"http://127.0.0.1:{collector.server_address[1]}/v1/traces"
    settings = {"releases": str(release.path.parent), "port": 0, "events": "off", "traces": traces}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN.format(settings)],
        env={
            **os.environ,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "listening on" in line)
        url = line.split("listening on ")[1].strip()
        trace = "0af7651916cd43dd8448eb211c80319c"
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        response = httpx.post(f"{url}/recommend", json={"user_id": "17"}, headers=headers)
        assert response.status_code == 200
        assert collector.traced.wait(300)
        bodies = [body for path, body in collector.received if path == "/v1/traces"]
        assert any(b"/recommend" in body and bytes.fromhex(trace) in body for body in bodies)
    finally:
        process.terminate()
        process.communicate(timeout=300)
