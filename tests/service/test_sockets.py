"""Listening on unix sockets and on TCP ports."""

import re
import socket
from pathlib import Path

import pytest

from bitrecall.service.errors import ListenError
from bitrecall.service.sockets import listen_tcp, listen_unix


def test_sets_the_mode_and_removes_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with listen_unix(path, 0o640):
        assert path.stat().st_mode & 0o777 == 0o640
    assert not path.exists()


def test_replaces_a_socket_left_by_a_dead_service(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    with listen_unix(path, 0o600), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_keeps_a_socket_in_use(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with listen_unix(path, 0o600):
        with pytest.raises(ListenError, match="it is in use"), listen_unix(path, 0o600):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_keeps_a_path_that_is_not_a_socket(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.sock"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(ListenError, match="it exists and is not a socket"),
        listen_unix(path, 0o600),
    ):
        pass
    assert path.is_symlink() or path.exists()


@pytest.mark.parametrize("name", ["no/such/folder.sock", "x" * 200])
def test_rejects_an_invalid_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ListenError, match="cannot listen on"), listen_unix(tmp_path / name, 0o600):
        pass


def test_does_not_remove_the_socket_of_another_service(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with listen_unix(path, 0o600):
        path.unlink()
        path.write_text("another's")
    assert path.exists()


def test_reports_a_port_in_use() -> None:
    with (
        listen_tcp("127.0.0.1", 0) as in_use,
        pytest.raises(
            ListenError, match=r"port \d+: Address already in use; stop the other process"
        ),
        listen_tcp("127.0.0.1", in_use.getsockname()[1]),
    ):
        pass


@pytest.mark.parametrize("host", ["no such host", "256.0.0.1"])
def test_reports_an_invalid_host(host: str) -> None:
    with pytest.raises(ListenError, match=re.escape(host)), listen_tcp(host, 0):
        pass


def test_rejects_an_address_of_another_machine() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1"), listen_tcp("192.0.2.1", 0):
        pass
