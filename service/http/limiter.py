"""How many requests are in the work at once, and turning the others away cheaply.

Requests are worked on one after another, so each one more makes all behind it wait. Beyond a bound
the next is answered 503 once it has arrived. Most are recognised before they are even parsed: that
costs about a twentieth of what an answer costs, so that most of the time goes into good answers
also at several times the capacity (``benchmarks/service/overload.py`` measures how much).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from bitrecall.service.http.raw_problems import TooBusyResponse

# Probes and monitoring are answered whatever the load, to tell a busy service from a dead one.
_ALWAYS_ANSWERED: Final = ("/livez", "/readyz", "/metrics")
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length:"
# Longer heads are not remembered.
_LONG_HEAD: Final = 1024
# Headers with which nobody knows how much more will come.
_UNCLEAR: Final = (b"\r\ntransfer-encoding:", b"\r\nexpect:", b"\r\nupgrade:")
_CLOSE: Final = b"\r\nconnection:"


class ConcurrencyLimiter:
    """The requests that have arrived whole, and are not answered yet.

    Args:
        most: how many there may be, before others are turned away.
        shed: told how many were, before long.
        root_path: what a proxy puts before the paths of this service.

    Attributes:
        is_full: whether the next request is one too many.
        root_path: as given.
        parsed: how requests begin that are parsed before they are turned away: probes, and those
            whose answer has no body.
    """

    def __init__(self, most: int, shed: Callable[[int], None], root_path: str = "") -> None:
        roots = {"", root_path}
        self._always = frozenset(root + path for root in roots for path in _ALWAYS_ANSWERED)
        self.parsed = (b"HEAD ", *(f"GET {path}".encode() for path in sorted(self._always)))
        self.root_path = root_path
        self._most = most
        self._shed = shed
        self._in_work: set[int] = set()
        self._refusal = TooBusyResponse(root_path)
        self._occurrences = 0
        self._told = 0
        self.is_full = False

    def __len__(self) -> int:
        """Count the requests in the work."""
        return len(self._in_work)

    def must_answer(self, method: str, path: str) -> bool:
        """Whether a request is answered whatever the load."""
        return path in self._always and method in ("GET", "HEAD")

    def enter(self, request: object) -> None:
        """A request has arrived whole."""
        self._in_work.add(id(request))
        self.is_full = len(self._in_work) >= self._most

    def leave(self, request: object) -> None:
        """A request is answered, or there is nobody left to answer."""
        self._in_work.discard(id(request))
        self.is_full = len(self._in_work) >= self._most
        if self._told < self._occurrences:
            self._shed(self._occurrences - self._told)
            self._told = self._occurrences

    def reject(self, *, close: bool = False, body: bool = True) -> bytes:
        """Count a request that was one too many; the whole HTTP answer to it.

        Whoever counts is told when the next request leaves: a load that is full has one that will.

        Args:
            close: whether the connection is closed after the answer.
            body: whether the answer has a body: not to a HEAD request.
        """
        self._occurrences += 1
        return self._refusal(close=close, body=body)


class Rejection(NamedTuple):
    """A request to be turned away without parsing it.

    Attributes:
        missing: bytes of its body that are still to come.
        close: whether its connection is closed after the answer.
    """

    missing: int
    close: bool


def quick_rejection(data: bytes, parsed: tuple[bytes, ...] = ()) -> Rejection | None:
    """What to turn away of what begins with a request, without parsing it.

    None if it has to be parsed: one that begins like one of ``parsed``, a request whose end cannot
    be told at a glance, or more than one request.
    """
    end = data.find(_END_OF_HEAD)
    if end < 0 or data.startswith(parsed):
        return None
    head = data[: end + 2]
    length, close = _framing(head) if end < _LONG_HEAD else _framing.__wrapped__(head)
    if length is None:
        return None
    missing = end + len(_END_OF_HEAD) + length - len(data)
    # A connection with a body still to come has to be closed carefully.
    if missing < 0 or (close and missing):
        return None
    return Rejection(missing, close)


# A client sends one head again and again.
@lru_cache(maxsize=1024)
def _framing(head: bytes) -> tuple[int | None, bool]:
    """The length of the body that follows a head, and whether its connection is to be closed.

    Args:
        head: with its line ends, the empty line left out.

    Returns:
        None for the length if it cannot be told at a glance.
    """
    head = head.lower()
    close = _asks_to_close(head)
    if any(name in head for name in _UNCLEAR) or head.count(_LENGTH) > 1:
        return None, close
    start = head.find(_LENGTH)
    if start < 0:
        return 0, close
    start += len(_LENGTH)
    length = head[start : head.find(b"\r\n", start)].strip()
    return (int(length) if length.isdigit() and len(length) <= 7 else None), close


def _asks_to_close(head: bytes) -> bool:
    """Whether a head, in lower case, is of HTTP/1.0 or says that the connection is to be closed."""
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
