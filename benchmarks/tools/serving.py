"""A service that runs during a measurement."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PATIENCE = 60.0


def free_port() -> int:
    """Return an unused port of the loopback address."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def serving(
    releases: Path, *options: str, checkout: Path | None = None
) -> Iterator[tuple[str, int]]:
    """Serve the releases in a folder with ``bitrecall serve``; yield URL and process id when ready.

    The code is that of this checkout, or of another.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "bitrecall", "serve", "--releases", str(releases.resolve())]
    process = subprocess.Popen([*command, "--port", str(port), *options], cwd=checkout)
    try:
        give_up = time.monotonic() + PATIENCE
        while not _is_ready(url):
            if process.poll() is not None:
                sys.exit(f"the service ended with exit code {process.returncode}")
            if time.monotonic() > give_up:
                sys.exit(f"the service was not ready within {PATIENCE:.0f} s")
            time.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False
