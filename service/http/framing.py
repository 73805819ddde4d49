"""Counting the bytes of a request that are not its body: head, chunk sizes, trailers."""

from typing import Final

from bitrecall.service.http.connection_limits import ConnectionLimits

END_OF_HEAD: Final = b"\r\n\r\n"
# A piece with an incomplete head counts in full, although it may start with earlier data.
_SLACK: Final = 16_384
# Bytes of framing allowed per byte of a chunked body, beyond the limit of a head.
_FRAMING_PER_BYTE: Final = 2
# A header line adds a colon, a space and a line end; the request line adds method, spaces, version.
_PER_HEADER: Final = 4
_PER_REQUEST_LINE: Final = 20

Headers = list[tuple[bytes, bytes]]


class HeadError(Exception):
    """Raised in a callback of the parser for a head that is over a limit.

    Attributes:
        problem: the name of the problem type.
        detail: what is wrong.
    """

    def __init__(self, problem: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail


class Framing:
    """Counts the bytes of one connection's requests.

    It counts the pieces passed to the parser, minus the bytes that the parser returns as bodies. So
    data that the parser skips counts too, and headers cause no extra work.

    Args:
        limits: the limits.

    Attributes:
        body_bytes: bytes of the body of this request so far.
    """

    __slots__ = ("_fed", "_limits", "_piece", "body_bytes")

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._fed = 0
        self._piece = 0
        self.body_bytes = 0

    @property
    def overhead(self) -> int:
        """A lower bound of the bytes of this request so far, without its body."""
        return self._fed - self.body_bytes

    def begin_piece(self, size: int) -> None:
        """Count a piece of ``size`` bytes that is passed to the parser next."""
        self._piece = size

    def end_piece(self) -> None:
        """Finish the piece: the parser has processed it."""
        self._fed += self._piece

    def end_message(self) -> None:
        """Reset the counts for the next request; the rest of this piece does not count for it."""
        self._fed = -self._piece
        self.body_bytes = 0

    def check_head(self, url: bytes, headers: Headers) -> HeadError | None:
        """The error of a complete head that is too long; None within the limit."""
        limit = self._limits.head_bytes
        if self._fed + self._piece <= limit:
            return None
        line = len(url) + _PER_REQUEST_LINE
        size = line + sum(len(name) + len(value) + _PER_HEADER for name, value in headers)
        return self._too_long(url) if size > limit else None

    def excess(self, *, url: bytes | None, in_body: bool) -> HeadError | None:
        """The error of an incomplete request that is too long; None within the limit.

        Args:
            url: the URL so far; None after the head.
            in_body: whether the head is complete.
        """
        limit = self._limits.head_bytes
        if self.overhead <= limit:
            return None
        if in_body:
            if self.overhead <= limit + _SLACK + _FRAMING_PER_BYTE * self.body_bytes:
                return None
            return HeadError(
                "headers-too-large", "chunk sizes, extensions and trailers are too long"
            )
        if self.overhead <= limit + _SLACK:
            return None
        return self._too_long(url or b"")

    def body_left(self, headers: Headers) -> int | None:
        """Bytes of the body that have not arrived yet; None if it is chunked."""
        for name, value in headers:
            if name == b"content-length":
                return int(value) - self.body_bytes
        return None

    def too_many_headers(self) -> HeadError:
        """The error of a request with more headers than the limit."""
        return HeadError(
            "headers-too-large", f"the request has more than {self._limits.headers} headers"
        )

    def _too_long(self, url: bytes) -> HeadError:
        limit = self._limits.head_bytes
        if len(url) > limit // 2:
            return HeadError("uri-too-long", f"the URL makes the head longer than {limit} bytes")
        return HeadError("headers-too-large", f"the head is longer than {limit} bytes")


def without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Render the head of a request without its headers for a protocol upgrade.

    Args:
        method: as parsed.
        url: as parsed.
        version: such as ``1.1``.
        headers: with names in lower case.
    """
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    for name, value in headers:
        if name in (b"upgrade", b"http2-settings"):
            continue
        if name == b"connection":
            options = [option.strip() for option in value.split(b",")]
            kept = [name for name in options if name.lower() not in (b"upgrade", b"http2-settings")]
            if not kept:
                continue
            value = b", ".join(kept)
        lines.append(name + b": " + value)
    return b"\r\n".join(lines) + END_OF_HEAD
