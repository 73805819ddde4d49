"""A raw connection to the service, and requests for it."""

import socket

import httpx

BODY = b'{"user_id":"17","k":3}'
POST = b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REQUEST = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Seconds until a read fails.
TIMEOUT = 20


class RawConnection:
    """A raw connection to the service."""

    def __init__(self, client: httpx.Client) -> None:
        address = (client.base_url.host, client.base_url.port)
        self.socket = socket.create_connection(address, timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def response(self, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next response; status 0 if the connection was closed."""
        line = self._file.readline()
        if not line:
            return 0, {}, b""
        headers = {}
        while (header := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = header.decode().partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if head_only else int(headers.get("content-length", 0))
        return int(line.split()[1]), headers, self._file.read(length)

    def is_closed(self) -> bool:
        """Whether the service closes the connection without more data."""
        try:
            return self._file.read() == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()
