"""A service with few descriptors and more idle connections than descriptors."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.releases.store import ReleaseStore

pytestmark = pytest.mark.slow

LIMIT = 128
RUN = (
    f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}));"
    "from bitrecall.service import environment, server; server.run(environment.load_settings())"
)


@pytest.fixture
def service(tmp_path: Path, contents: Any) -> Iterator[int]:
    """The port of a service with few descriptors."""
    ReleaseStore(tmp_path).publish(contents(1))
    environment = {name: os.environ[name] for name in os.environ if "BITRECALL" not in name}
    settings = {"RELEASES": str(tmp_path), "PORT": "0", "EVENTS": "off", "POLL_INTERVAL": "0.05"}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        env=environment | {f"BITRECALL_{name}": value for name, value in settings.items()},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    port = next(
        int(match[1])
        for line in process.stderr
        if (match := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line))
    )
    yield port
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def test_idle_connections_block_neither_clients_nor_releases(
    service: int, tmp_path: Path, contents: Any
) -> None:
    url = f"http://127.0.0.1:{service}"
    with contextlib.ExitStack() as stack:
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 200
        for _ in range(LIMIT + 40):
            stack.enter_context(socket.create_connection(("127.0.0.1", service), timeout=60))
        for _ in range(5):
            assert httpx.get(f"{url}/livez", timeout=60).status_code == 200
        new = ReleaseStore(tmp_path).publish(contents(2)).id
        responses = (httpx.get(f"{url}/popular?k=1", timeout=60) for _ in range(2000))
        assert any(json.loads(response.content)["release_id"] == new for response in responses)
