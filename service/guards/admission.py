"""How many requests are in the work at once, and turning the others away cheaply.

Requests are worked on one after another, so each one more makes all behind it wait. Beyond a bound
the next is answered 503 before it is even parsed: that costs about a twentieth of what an answer
costs, so that most of the time goes into good answers also at several times the capacity
(``benchmarks/overload.py`` measures how much).
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import lru_cache, partial
from typing import Any, Final, cast
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.guards.joining import JoiningTransport, Outbox
from service.guards.whole import offer_whole, withdraw_whole
from service.problems import PROBLEM_MEDIA_TYPE, PROBLEMS
from service.rounds import Rounds

# Whoever looks after the service must be answered most of all when it has too much to do.
_ALWAYS: Final = (b"GET /livez", b"GET /readyz", b"GET /metrics", b"HEAD /livez", b"HEAD /readyz")
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length:"
# Longer heads are not remembered.
_LONG_HEAD: Final = 1024
# Headers with which nobody knows how much more will come.
_UNCLEAR: Final = (b"\r\ntransfer-encoding:", b"\r\nexpect:", b"\r\nupgrade:")


class Load:
    """The requests that have arrived whole, and are not answered yet.

    Args:
        most: how many there may be, before others are turned away.
        shed: told how many were, before long.

    Attributes:
        is_full: whether the next request is one too many.
    """

    def __init__(self, most: int, shed: Callable[[int], None]) -> None:
        self._most = most
        self._shed = shed
        self._in_work: set[int] = set()
        self._refusal = _refusal()
        self._outbox: Outbox | None = None
        self._occurrences = 0
        self._told = 0
        self.is_full = False

    def __len__(self) -> int:
        """Count the requests in the work."""
        return len(self._in_work)

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

    def outbox(self, call_soon: Callable[[Callable[[], None]], object]) -> Outbox:
        """What writes the answers of all connections of a loop."""
        if self._outbox is None:
            self._outbox = Outbox(call_soon)
        return self._outbox

    def turn_away(self) -> bytes:
        """Count a request that was one too many; the whole HTTP answer to it.

        Whoever counts is told when the next request leaves: a load that is full has one that will.
        """
        self._occurrences += 1
        return self._refusal % self._occurrences


class SheddingProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but for requests that are too many.

    The application that is served has the ``load`` and the ``rounds`` as attributes, and tells
    what answers a request ``past_framework``.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._load: Load = self.app.load
        self._rounds: Rounds = self.app.rounds
        self._receiving = False
        self._idle_since = 0.0
        self._closing: asyncio.TimerHandle | None = None
        # Of a request that was turned away, what is still to come of its body.
        self._to_drop = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Have answers written at once."""
        super().connection_made(transport)
        self._joining = JoiningTransport(transport, self._load.outbox(self.loop.call_soon))
        self.transport = cast("asyncio.Transport", self._joining)

    def data_received(self, data: bytes) -> None:
        """Turn a request away where there are too many, and parse what comes otherwise."""
        if self._to_drop:
            dropped = min(self._to_drop, len(data))
            self._to_drop -= dropped
            data = data[dropped:]
            if not data:
                return
        if self._load.is_full and self._is_idle() and not data.startswith(_ALWAYS):
            missing = _missing(data)
            if missing is not None:
                self._to_drop = missing
                self.transport.write(self._load.turn_away())
                self._joining.flush()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The first of a request has come."""
        self._receiving = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The last of a request has come."""
        self._receiving = False
        if not self.cycle.response_complete:
            self._load.enter(self.cycle)
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the requests that were waiting for the one before them."""
        for cycle, _ in self.pipeline:
            self._load.leave(cycle)
        if self._closing is not None:
            self._closing.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin with the next request, or have the connection closed when none comes.

        A timer for each answer, to be stopped by the next request, takes a fiftieth of an answer;
        so there is one for all, which looks whether it was idle for long enough.
        """
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self._closing is None:
            self._closing = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self._closing = None
        if not self._is_idle():
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._closing = self.loop.call_later(left, self._close_if_idle)
        else:
            self.timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        past_framework = self.app.past_framework(cycle.scope)
        answering = past_framework or app
        offer_whole(cycle)

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            try:
                await answering(scope, receive, send)
            finally:
                withdraw_whole(cycle)
                self._load.leave(cycle)

        if past_framework is None:
            super()._start_asgi_task(cycle, counted)
        else:
            self._rounds.add(partial(self._begin, cycle, counted))

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> Coroutine[Any, Any, None] | None:
        """Answer a request, which has to have come whole for that, or let it be a task."""
        if cycle.more_body:
            super()._start_asgi_task(cycle, app)
            return None
        return cycle.run_asgi(app)

    def _is_idle(self) -> bool:
        """Whether what comes next on this connection is the beginning of a request."""
        return not self._receiving and (self.cycle is None or self.cycle.response_complete)


def _missing(data: bytes) -> int | None:
    """How many bytes of a request's body are still to come, once its head has.

    None where that cannot be told, or more has come than one request; it is then parsed like any.
    """
    end = data.find(_END_OF_HEAD)
    if end < 0:
        return None
    head = data[: end + 2]
    length = _length(head) if end < _LONG_HEAD else _length.__wrapped__(head)
    if length is None:
        return None
    missing = end + len(_END_OF_HEAD) + length - len(data)
    return missing if missing >= 0 else None


# A client sends one head again and again.
@lru_cache(maxsize=1024)
def _length(head: bytes) -> int | None:
    """How long the body is that follows a head, line ends included; None if it does not say."""
    head = head.lower()
    if any(name in head for name in _UNCLEAR):
        return None
    start = head.find(_LENGTH)
    if start < 0:
        return 0
    start += len(_LENGTH)
    length = head[start : head.find(b"\r\n", start)].strip()
    return int(length) if length.isdigit() and len(length) <= 7 else None


def _refusal() -> bytes:
    """The answer, but for the last digits of the URN of its occurrence, a ``%012x``."""
    problem = PROBLEMS["too-busy"]
    occurrence = str(uuid4())[:-12]
    body = (
        f'{{"type":"{problem.uri}","title":"{problem.title}","status":503,'
        '"detail":"there are too many requests at once; none of this one was done",'
        f'"instance":"urn:uuid:{occurrence}'
    )
    end = '"}'
    length = len(body) + 12 + len(end)
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n"
        f"content-type: {PROBLEM_MEDIA_TYPE}\r\ncontent-length: {length}\r\n\r\n"
    )
    return f"{head}{body}".replace("%", "%%").encode() + b"%012x" + end.encode()
