"""A real Milvus server. It has fixed ports, so only one can run on a machine at a time."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.required import skip_or_fail

# Starting takes about ten seconds, and minutes on a busy machine.
_MILVUS_STARTS_WITHIN = 600.0
# The ports of its embedded etcd, which cannot be configured.
_MILVUS_FIXED_PORTS = 2379, 2380

# The default, 53100, is in the range of ephemeral ports, which other connections may use.
_MILVUS_ROOT_PORT = 21120
# The server ends if another process takes one of its twenty ports while it starts.
_MILVUS_ATTEMPTS = 5

# The package uses the next port if its own is in the state TIME_WAIT, for example after a kill, and
# it does not detect that its server has ended.
_MILVUS_ON_FIXED_PORT = """
import socket
import sys

PORT = int(sys.argv[sys.argv.index("--proxy-port") + 1])

class ReusingSocket(socket.socket):
    def bind(self, address):
        if address[1] == PORT:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        super().bind(address)

socket.socket = ReusingSocket
from milvus import MilvusServer, main
MilvusServer.running = property(
    lambda self: self.server_proc is not None and self.server_proc.poll() is None
)
main()
"""


class MilvusProcess:
    """The server of the package ``milvus``, with its data in a folder.

    It has a separate environment (``make .venv-milvus/all``), because its dependencies are old.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._python = _milvus_python()
        with socket.create_server(("127.0.0.1", 0)) as sock:
            self._port = sock.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._has_started = False
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the server, and wait until it responds."""
        for port in _MILVUS_FIXED_PORTS:
            assert not _listens(port), (
                f"port {port} is in use, maybe by another Milvus: only one can run on a machine"
            )
        for _ in range(_MILVUS_ATTEMPTS):
            if self._start_once():
                self._has_started = True
                return
            self.kill()
            if not self._has_started:
                # The server cannot start from the files of an incomplete first start.
                shutil.rmtree(self._folder)
                self._folder.mkdir()
        pytest.fail(f"Milvus ended while starting: see {self._folder}/logs")

    def _start_once(self) -> bool:
        """Start the server and wait until it responds; return False if it ended instead."""
        command = [str(self._python), "-c", _MILVUS_ON_FIXED_PORT]
        command += ["--data", str(self._folder), "--proxy-port", str(self._port)]
        command += ["--root-coord-port", str(_MILVUS_ROOT_PORT)]
        self._process = subprocess.Popen(
            command,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _MILVUS_STARTS_WITHIN
        while not self._responds():
            if self._process.poll() is not None:
                return False
            assert time.monotonic() < deadline, (
                f"Milvus did not start within {_MILVUS_STARTS_WITHIN} s"
            )
            time.sleep(0.2)
        return True

    def kill(self) -> None:
        """Kill the server, and wait until its ports are free."""
        if self._process is not None:
            # The process may already have ended.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        # The server is a child of that process, and ends slightly later.
        while any(map(_listens, (self._port, *_MILVUS_FIXED_PORTS))):
            time.sleep(0.01)

    def _responds(self) -> bool:
        from pymilvus import MilvusClient, MilvusException

        if not _listens(self._port):
            return False
        try:
            MilvusClient(self.url, timeout=5.0, dedicated=True).close()
        except MilvusException:
            return False
        return True


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _milvus_python() -> Path:
    python = Path(__file__).parents[2] / ".venv-milvus" / "bin" / "python"
    if not python.exists():
        skip_or_fail("MILVUS", "Milvus is not installed: make .venv-milvus/all")
    return python


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusProcess]:
    """A Milvus server; a test that kills it has to start it again."""
    process = MilvusProcess(tmp_path_factory.mktemp("milvus"))
    try:
        process.start()
        yield process
    finally:
        process.kill()
