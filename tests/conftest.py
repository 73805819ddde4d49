"""What tests of several rooms need: real servers of PostgreSQL and of Milvus."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

_REAPER = Path(__file__).resolve().parent / "reaper.py"


def pytest_configure(config: pytest.Config) -> None:
    """Have every process that a test starts killed when this one ends, however it ends."""
    if sys.platform != "linux":
        return
    mark = os.environ["TEST_RUN_ID"] = uuid.uuid4().hex
    # It is in a session of its own, so that what ends a terminal's processes does not end it.
    reaper = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_REAPER), mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert reaper.stdin is not None

    def end() -> None:
        reaper.stdin.close()
        reaper.wait()

    config.add_cleanup(end)


_BINARIES = Path("/usr/lib/postgresql")


def _binaries() -> Path | None:
    """The folder of PostgreSQL's programs: Debian's newest, or that of the path."""
    found = sorted(_BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of the session's own, without a database name at its end.

    It runs as the user postgres where the tests run as root, which it refuses to.
    """
    binaries = _binaries()
    if binaries is None:
        if os.environ.get("BITRECALL_TESTS_NEED_POSTGRES"):
            pytest.fail("there is no PostgreSQL: apt-get install postgresql")
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    folder = tmp_path_factory.mktemp("postgres")
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if user:
        for path in (folder, *folder.parents[:3]):
            path.chmod(path.stat().st_mode | 0o011)
        shutil.chown(folder, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **user)  # type: ignore[call-overload]

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    patience = "-w", "-t", "600"
    run("pg_ctl", "-D", data, *patience, "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://postgres@127.0.0.1:{port}"
    run("pg_ctl", "-D", data, *patience, "-m", "immediate", "stop")


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of the test's own."""
    import psycopg

    name = f"test_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    return f"{postgres_server}/{name}"


# It takes some ten seconds, and minutes beside other work.
_MILVUS_STARTS_WITHIN = 600.0
# Of the etcd inside it; the package has no setting for them.
_MILVUS_FIXED_PORTS = 2379, 2380

# Its own default, 53100, is among those that the system gives to connections of other processes.
_MILVUS_ROOT_PORT = 21120
# A port that another process gets in between, of the twenty that it listens on, ends it.
_MILVUS_ATTEMPTS = 5

# The package takes the next port where its own is still in the state TIME_WAIT, as after a kill;
# and it goes on when the server that it started has ended.
_MILVUS_AT_ITS_PORT = """
import socket
import sys

ITS_PORT = int(sys.argv[sys.argv.index("--proxy-port") + 1])

class Reusing(socket.socket):
    def bind(self, address):
        if address[1] == ITS_PORT:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        super().bind(address)

socket.socket = Reusing
from milvus import MilvusServer, main
MilvusServer.running = property(
    lambda self: self.server_proc is not None and self.server_proc.poll() is None
)
main()
"""


class MilvusProcess:
    """The server of the package `milvus`, keeping what it holds in a folder.

    It is installed apart from Bitrecall (`make .venv-milvus/all`): what it needs is years old.
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
        """Start it, and wait until it answers."""
        for port in _MILVUS_FIXED_PORTS:
            assert not _listens(port), (
                f"port {port} is in use, maybe by another Milvus: one runs on a machine at a time"
            )
        for _ in range(_MILVUS_ATTEMPTS):
            if self._started():
                self._has_started = True
                return
            self.kill()
            if not self._has_started:
                # Ended halfway through its first start, it never starts from what it has written.
                shutil.rmtree(self._folder)
                self._folder.mkdir()
        pytest.fail(f"Milvus ended while it started: see {self._folder}/logs")

    def _started(self) -> bool:
        """Start it, and wait until it answers; False if it ended instead."""
        command = [str(self._python), "-c", _MILVUS_AT_ITS_PORT]
        command += ["--data", str(self._folder), "--proxy-port", str(self._port)]
        command += ["--root-coord-port", str(_MILVUS_ROOT_PORT)]
        self._process = subprocess.Popen(
            command,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _MILVUS_STARTS_WITHIN
        while not self._answers():
            if self._process.poll() is not None:
                return False
            assert time.monotonic() < until, (
                f"Milvus did not start within {_MILVUS_STARTS_WITHIN} s"
            )
            time.sleep(0.2)
        return True

    def kill(self) -> None:
        """Have it gone at once."""
        if self._process is not None:
            # It may have ended by itself.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        # The server is a child of that process, and goes a moment later.
        while any(map(_listens, (self._port, *_MILVUS_FIXED_PORTS))):
            time.sleep(0.01)

    def _answers(self) -> bool:
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
    found = Path(__file__).parents[1] / ".venv-milvus" / "bin" / "python"
    if not found.exists():
        told = "there is no Milvus: make .venv-milvus/all"
        if os.environ.get("BITRECALL_TESTS_NEED_MILVUS"):
            pytest.fail(told)
        pytest.skip(told)
    return found


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusProcess]:
    """A Milvus server of the session's own; a test that has it go away has it come back."""
    process = MilvusProcess(tmp_path_factory.mktemp("milvus"))
    try:
        process.start()
        yield process
    finally:
        process.kill()
