"""Connections to a server that does not respond, hangs or fails."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bitrecall.errors import BitrecallError
from bitrecall.index.errors import SearchUnavailableError
from bitrecall.index.search.milvus.server import MilvusServer, read_token

Connect = Callable[..., MilvusServer]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Create connections to an address without a server, and close them."""
    servers: list[MilvusServer] = []

    def connect(**arguments: Any) -> MilvusServer:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        servers.append(MilvusServer(url, **arguments))
        return servers[-1]

    yield connect
    for server in servers:
        server.close()


def test_reports_the_address_of_an_unreachable_server(connect: Connect) -> None:
    server = connect(timeout=0.2)
    with pytest.raises(SearchUnavailableError, match=f"Milvus at {server.url}"):
        server.search(lambda client, timeout: client.list_collections(timeout=timeout))


def test_stops_waiting_after_the_timeout(connect: Connect) -> None:
    server = connect(timeout=0.1)
    stop, stopped = threading.Event(), threading.Event()
    server._client = object()  # type: ignore[assignment]

    def hang(client: object, timeout: float) -> None:
        stop.wait(300)
        stopped.set()

    with pytest.raises(SearchUnavailableError, match=r"did not respond within 0\.1 s"):
        server.search(hang)
    assert not stopped.is_set()
    stop.set()
    server._client = None


def test_calls_a_failed_server_again_after_the_retry_delay(connect: Connect) -> None:
    now = [100.0]
    server = connect(retry_delay=5.0, clock=lambda: now[0])
    server._client = object()  # type: ignore[assignment]
    call_times = []

    def fail(client: object, timeout: float) -> None:
        call_times.append(now[0])
        raise ValueError("broken")

    for now[0] in (100.0, 101.0, 104.9, 105.1):
        with pytest.raises(SearchUnavailableError, match="broken"):
            server.search(fail)
    assert call_times == [100.0, 105.1]
    now[0] = 200.0
    assert server.search(lambda client, timeout: "result") == "result"
    assert server.search(lambda client, timeout: "result") == "result"
    server._client = None


def test_logs_a_failure_and_a_recovery_once_each(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bitrecall.index.search.milvus")
    server = connect(retry_delay=0.0)
    server._client = object()  # type: ignore[assignment]
    for _ in range(3):
        with pytest.raises(SearchUnavailableError):
            server.search(lambda client, timeout: 1 / 0)
    for _ in range(3):
        server.search(lambda client, timeout: 1)
    server._client = None
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "division" in messages[0]
    assert "responds again" in messages[1]


def test_reads_a_token_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("ada:lovelace\n")
    assert read_token(path) == "ada:lovelace"
    assert read_token(None) is None
    with pytest.raises(BitrecallError, match="cannot be read"):
        read_token(tmp_path / "missing")
