"""The sockets that the service listens on."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bitrecall.service.errors import ListenError
from bitrecall.service.settings import Settings

BACKLOG: Final = 2048


@contextlib.contextmanager
def listen_on(settings: Settings) -> Iterator[socket.socket]:
    """A socket that listens on the address or path in the settings. Raises ``ListenError``."""
    if settings.unix_socket is None:
        with listen_tcp(settings.host, settings.port) as sock:
            yield sock
    else:
        with listen_unix(settings.unix_socket, int(settings.unix_socket_mode, 8)) as sock:
            yield sock


@contextlib.contextmanager
def listen_tcp(host: str, port: int) -> Iterator[socket.socket]:
    """A TCP socket that listens on an address; connections queue in it until a worker accepts them.

    Raises:
        ListenError: the address is invalid or in use.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"cannot listen on {host!r}: {error.strerror}") from None
    with sock:
        try:
            # Otherwise the port would stay in use for a minute after the last connection.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError as error:
            advice = "; stop the other process or choose another port"
            raise ListenError(
                f"cannot listen on {host} port {port}: {error.strerror}"
                + (advice if error.errno == errno.EADDRINUSE else "")
            ) from None
        sock.set_inheritable(True)
        yield sock


@contextlib.contextmanager
def listen_unix(path: Path, mode: int) -> Iterator[socket.socket]:
    """A unix socket that listens at a path, removed at the end.

    A socket that a dead process left at the path is replaced.

    Args:
        path: path of the socket.
        mode: file mode, which determines the users that may connect.

    Raises:
        ListenError: another process listens there, the path is not a socket, or a socket cannot be
            created.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            _remove_stale(path)
            # No other user can connect before the mode is set.
            umask = os.umask(0o177)
            try:
                sock.bind(str(path))
            finally:
                os.umask(umask)
            path.chmod(mode)
            inode = path.stat().st_ino
            sock.listen(BACKLOG)
        except OSError as error:
            # A path that is too long has no errno.
            raise ListenError(f"cannot listen on {path}: {error.strerror or error}") from None
        sock.set_inheritable(True)
        try:
            yield sock
        finally:
            with contextlib.suppress(OSError):
                if path.stat().st_ino == inode:
                    path.unlink()


def _remove_stale(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise ListenError(f"cannot listen on {path}: it exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        # A socket that cannot be probed, such as another user's, may be in use.
        if probe.connect_ex(str(path)) != errno.ECONNREFUSED:
            raise ListenError(
                f"cannot listen on {path}: it is in use; stop the other process or use another path"
            )
    path.unlink()


def url_of(sock: socket.socket) -> str:
    """The URL of a socket, or ``unix:`` and its path."""
    if sock.family == socket.AF_UNIX:
        return f"unix:{sock.getsockname()}"
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
