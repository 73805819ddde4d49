"""A real PostgreSQL server: one per test process."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.tools.required import skip_or_fail
from tests.tools.run_id import run_folder

_DEBIAN = Path("/usr/lib/postgresql")
_WAIT = ("-w", "-t", "600")
_databases = count(1)


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: Debian's newest version, or that on PATH."""
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def running_server(bin_folder: Path) -> Iterator[str]:
    """Run a server with an empty data folder on a free port; yield its URL without a database.

    The server does not run as root. If the tests do, it runs as the user postgres, in a folder that
    other pytest sessions do not change.
    """
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=run_folder()))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = {"user": "postgres", "group": "postgres"}
        shutil.chown(folder, "postgres", "postgres")

    data, log = folder / "data", folder / "log"

    def run(program: str, *arguments: str) -> None:
        command = [str(bin_folder / program), "-D", str(data), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, cwd=folder, **user)
        if result.returncode:
            server_log = log.read_text(errors="replace") if log.exists() else ""
            pytest.fail(f"{program} failed: {result.stdout}{result.stderr}\n{server_log}")

    run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    run("pg_ctl", "start", *_WAIT, "-l", str(log), "-o", options)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "stop", *_WAIT, "-m", "immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of the server, without a database name."""
    bin_folder = programs()
    if bin_folder is None:
        skip_or_fail("POSTGRES", "PostgreSQL is not installed: apt-get install postgresql")
    with running_server(bin_folder) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty database for one test."""
    return new_database(postgres_server)


def new_database(server: str, options: str = "") -> str:
    """Create an empty database with a unique name; return its URL."""
    import psycopg

    name = f"test_{next(_databases)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {options}")  # type: ignore[call-overload]
    return f"{server}/{name}"
