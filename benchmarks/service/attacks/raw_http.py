"""Raw HTTP over a TCP connection, for requests that no client library sends."""

import socket
from typing import Final

HOST: Final = "127.0.0.1"

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body of a response."""


class Raw:
    """A raw TCP connection to 127.0.0.1.

    Args:
        port: Port of the service.
        small: Whether to use the smallest receive buffer that the system allows.
        timeout: Seconds per step.
    """

    def __init__(self, port: int, *, small: bool = False, timeout: float = 20.0) -> None:
        self.socket = socket.socket()
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect((HOST, port))
        except OSError:
            self.socket.close()
            raise
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> bool:
        """Send; return whether the service still accepts data."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def is_dropped(self, seconds: float) -> bool:
        """Return whether the next response is a rejection, or shorter than its length."""
        self.socket.settimeout(seconds)
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := self.socket.recv(4096)):
                    return True
                head += part
            head, _, body = head.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                return True
            left = int(head.lower().partition(b"content-length:")[2].split()[0]) - len(body)
            while left > 0:
                if not (part := self.socket.recv(2**20)):
                    return True
                left -= len(part)
        except OSError:
            return True
        return False

    def answer(self) -> Answer:
        """Return status, headers and body of the next response; status 0 without one."""
        try:
            line = self._file.readline()
            if not line.startswith(b"HTTP/"):
                return 0, {}, b""
            headers = {}
            while (header := self._file.readline()) not in (b"\r\n", b""):
                name, _, value = header.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            status = int(line.split()[1])
            if status == 100:
                return self.answer()
            return status, headers, self._file.read(int(headers.get("content-length", 0)))
        except OSError:
            return 0, {}, b""

    def is_closed(self, seconds: float) -> bool:
        """Return whether the service closes the connection within a number of seconds."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65_536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self.socket.close()


def request(method: str, path: str, body: bytes = b"", *more: str) -> bytes:
    """Return the bytes of a request; ``more`` are header lines."""
    lines = [f"{method} {path} HTTP/1.1", *more]
    if not any(line.lower().startswith("host:") for line in more):
        lines.append("Host: localhost")
    if body:
        lines.append(f"Content-Length: {len(body)}")
        if not any(line.lower().startswith("content-type:") for line in more):
            lines.append("Content-Type: application/json")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
