"""A limit on concurrent requests, and cheap rejection of those over it.

Requests share one event loop, so each one delays all that follow. Over the limit a request gets 503
once it has arrived. Most are rejected before they are parsed, at about 5% of the cost of a
recommendation, so that even at several times the capacity most CPU time is spent on recommendations
(``benchmarks/service/overload.py`` measures the share).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from bitrecall.service.http.too_busy import TooBusyResponse

# Probes and monitoring always get a response, to distinguish a busy service from a dead one.
_ALWAYS_ANSWERED: Final = ("/livez", "/readyz", "/metrics")
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length:"
# Longer heads are not cached.
_LONG_HEAD: Final = 1024
# Headers with which the length of the request is unknown.
_UNKNOWN_LENGTH: Final = (b"\r\ntransfer-encoding:", b"\r\nexpect:", b"\r\nupgrade:")
_CLOSE: Final = b"\r\nconnection:"


class ConcurrencyLimiter:
    """Counts the complete requests without a response yet, and rejects those over a limit.

    Args:
        limit: maximum concurrent requests.
        count_rejected: called with the number of rejections, soon after them.
        root_path: path below which a proxy serves the service.

    Attributes:
        is_full: whether the next request is over the limit.
        root_path: path below which a proxy serves the service.
        parsed: first bytes of requests that are parsed even over the limit: probes, and requests
            whose response has no body.
    """

    def __init__(
        self, limit: int, count_rejected: Callable[[int], None], root_path: str = ""
    ) -> None:
        roots = {"", root_path}
        self._always = frozenset(root + path for root in roots for path in _ALWAYS_ANSWERED)
        self.parsed = (b"HEAD ", *(f"GET {path}".encode() for path in sorted(self._always)))
        self.root_path = root_path
        self._limit = limit
        self._count_rejected = count_rejected
        self._running: set[int] = set()
        self._response = TooBusyResponse(root_path)
        self._rejected = 0
        self._counted = 0
        self.is_full = False

    def __len__(self) -> int:
        """Count the running requests."""
        return len(self._running)

    def must_answer(self, method: str, path: str) -> bool:
        """Whether a request is accepted even over the limit."""
        return path in self._always and method in ("GET", "HEAD")

    def enter(self, request: object) -> None:
        """Count a request that has arrived completely."""
        self._running.add(id(request))
        self.is_full = len(self._running) >= self._limit

    def leave(self, request: object) -> None:
        """Stop counting a request: its response is sent, or its client has disconnected."""
        self._running.discard(id(request))
        self.is_full = len(self._running) >= self._limit
        if self._counted < self._rejected:
            self._count_rejected(self._rejected - self._counted)
            self._counted = self._rejected

    def reject(self, *, close: bool = False, body: bool = True) -> bytes:
        """Count a request over the limit, and return the complete HTTP response to it.

        ``count_rejected`` is called when the next running request leaves.

        Args:
            close: whether the connection is closed after the response.
            body: whether the response has a body; False for a HEAD request.
        """
        self._rejected += 1
        return self._response(close=close, body=body)


class Rejection(NamedTuple):
    """How to reject a request without parsing it.

    Attributes:
        missing: bytes of its body that have not arrived yet.
        close: whether its connection is closed after the response.
    """

    missing: int
    close: bool


def quick_rejection(data: bytes, parsed: tuple[bytes, ...] = ()) -> Rejection | None:
    """Determine how to reject the request in ``data`` without parsing it.

    Returns:
        None if the data has to be parsed: it starts with one of ``parsed``, the length of the
        request is not obvious, or there is more than one request.
    """
    end = data.find(_END_OF_HEAD)
    if end < 0 or data.startswith(parsed):
        return None
    head = data[: end + 2]
    length, close = _framing(head) if end < _LONG_HEAD else _framing.__wrapped__(head)
    if length is None:
        return None
    missing = end + len(_END_OF_HEAD) + length - len(data)
    # Closing a connection before the body has arrived needs the linger of the parsed path.
    if missing < 0 or (close and missing):
        return None
    return Rejection(missing, close)


# Clients send the same head many times.
@lru_cache(maxsize=1024)
def _framing(head: bytes) -> tuple[int | None, bool]:
    """The length of the body after a head (None if it is not obvious), and whether to close.

    Args:
        head: with its line ends, without the empty line.
    """
    head = head.lower()
    close = _requests_close(head)
    if any(name in head for name in _UNKNOWN_LENGTH) or head.count(_LENGTH) > 1:
        return None, close
    start = head.find(_LENGTH)
    if start < 0:
        return 0, close
    start += len(_LENGTH)
    length = head[start : head.find(b"\r\n", start)].strip()
    return (int(length) if length.isdigit() and len(length) <= 7 else None), close


def _requests_close(head: bytes) -> bool:
    """Whether a head, in lower case, is HTTP/1.0 or requests closing the connection."""
    if not head[: head.find(b"\r\n")].endswith(b" http/1.1"):
        return True
    start = head.find(_CLOSE)
    while start >= 0:
        start += len(_CLOSE)
        options = head[start : head.find(b"\r\n", start)].split(b",")
        if b"close" in [option.strip() for option in options]:
            return True
        start = head.find(_CLOSE, start)
    return False
