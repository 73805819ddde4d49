"""A connection with limits on its time and its memory; what it says is left to others.

It has a deadline at every moment but while a request is being answered: for a head to arrive, for a
body, for an answer to be taken, and for the next request.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bitrecall.service.http.connection_budget import ConnectionBudget
from bitrecall.service.http.deadline import Deadline
from bitrecall.service.http.limiter import ConcurrencyLimiter
from bitrecall.service.http.raw_problems import problem_bytes
from bitrecall.service.http.write_coalescing import CoalescingTransport

# How long a connection that looks idle is kept when the server stops, for a request under way.
STOPPING_SECONDS: Final = 0.5
# What is read and dropped after a refusal, so that the client sees the answer and no reset.
LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 4 * 2**20
# The application refuses a body that comes too slowly, and is given this much longer to do so.
_PATIENCE_SECONDS: Final = 1.0


class LimitedConnection(HttpToolsProtocol):
    """What a connection may take.

    The application that is served has the ``connections`` and the ``load`` as attributes.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._all: ConnectionBudget = self.app.connection_budget
        self._limits = self._all.limits
        self._limiter: ConcurrencyLimiter = self.app.limiter
        # A request has begun to arrive, and is not complete.
        self._receiving = False
        self._head_is_done = False
        self._waits_for = "head"
        self._deadline = Deadline(self.loop, self._too_late)
        self._taking: Deadline | None = None
        self._since = self._paused_at = 0.0
        self._was_answered = False
        # A request that will be answered once its body has arrived.
        self._deferred: tuple[RequestResponseCycle, Any] | None = None
        # What has come behind a request that is not answered yet.
        self._behind = b""
        # After a refusal: bytes that may still be dropped, None if there was none.
        self._draining: int | None = None
        self._client_is_done = False
        # Nothing more is parsed, and the connection closed once what has come is answered.
        self._is_last = False
        # The server stops: the next answer says that it is the last.
        self._is_stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection, or close one where there are too many."""
        super().connection_made(transport)
        # Writing counts as paused until everything is taken, not until a part is.
        transport.set_write_buffer_limits(high=65_536, low=0)
        self._coalescing = CoalescingTransport(
            transport, self._limiter.coalescer(self.loop.call_soon)
        )
        self.transport = cast("asyncio.Transport", self._coalescing)
        self._since = self.loop.time()
        self._deadline.after(self._limits.head_seconds)
        if not self._all.make_room(self, cast("Any", self.connections)):
            self.transport.write(self._limiter.reject(close=True))
            self._close_carefully()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything about it."""
        self._deadline.cancel()
        if self._taking is not None:
            self._taking.cancel()
        self._all.release_unread(self)
        self._all.release_incomplete(self)
        self._behind = b""
        self._deferred = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answer what has arrived or is on its way, and close.

        A request may be under way on a connection that looks idle, and closing would lose it. So
        such a connection is open for a moment longer, and its next answer says that it is closed.
        """
        self._is_stopping = True
        if self._is_answering() and self.cycle is not None:
            self.cycle.keep_alive = False
        elif not self._receiving and not self.transport.is_closing() and self._draining is None:
            self._deadline.after(STOPPING_SECONDS)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends nothing more; it still gets its answers."""
        self._client_is_done = self._is_last = True
        if self._draining is not None or not self._is_answering():
            self._close()
        elif self.cycle is not None:
            # Whoever watches for the client to go learns of it, and may give up.
            self.cycle.message_event.set()
        return True

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as it comes."""
        super().pause_writing()
        if self._taking is None:
            self._taking = Deadline(self.loop, self._not_taken)
        self._paused_at = self.loop.time()
        self._taking.after(self._limits.answer_seconds)
        self._all.hold_unread(self)

    def resume_writing(self) -> None:
        """The client has taken it."""
        if self._taking is not None:
            self._taking.clear()
        self._all.release_unread(self)
        super().resume_writing()

    def now(self) -> float:
        """The time of the event loop."""
        return self.loop.time()

    def waiting_since(self) -> tuple[bool, float] | None:
        """Whether it was ever answered, and since when it has waited for its client."""
        if self._is_answering() and not self.flow.write_paused:
            return None
        return self._was_answered, self._since

    def unread_bytes(self) -> int:
        """Bytes of answers that the client has not taken."""
        return self._coalescing.get_write_buffer_size()

    def unread_since(self) -> float:
        """When the client stopped taking an answer."""
        return self._paused_at

    def _not_taken(self) -> None:
        self._all.dropped("answer-not-read")
        self.drop()

    def drop(self) -> None:
        """Close at once, whatever is still to be written."""
        self.transport.abort()

    def _is_idle(self) -> bool:
        """Whether what comes next on this connection is the beginning of a request."""
        return not self._receiving and not self._is_answering()

    def _is_answering(self) -> bool:
        """Whether a request that has arrived is not answered yet."""
        return not self._receiving and self.cycle is not None and not self.cycle.response_complete

    def _wait_for(self, what: str) -> None:
        """Set the deadline for something, unless it is set for that already.

        Args:
            what: the ``head`` or ``body`` of a request, the ``next`` request, or an answer to be
                ``taken``.
        """
        if what == self._waits_for:
            return
        limits = self._limits
        if what == "next":
            self._since = self.loop.time()
            self._deadline.after(self.timeout_keep_alive)
            return
        self._waits_for = what
        seconds = {
            "head": limits.head_seconds,
            "body": limits.body_seconds + (_PATIENCE_SECONDS if self._deferred is None else 0.0),
            "taken": limits.answer_seconds,
        }
        self._since = self.loop.time()
        self._deadline.after(seconds[what])

    def _too_late(self) -> None:
        """The deadline has passed."""
        if self._draining is None and self.unread_bytes():
            self._not_taken()
        elif self._draining is not None or self.transport.is_closing():
            self.drop()
        elif self._receiving and not self._head_is_done:
            self._refuse("request-timeout", "the head of the request did not arrive in time")
        elif self._deferred is not None:
            self._refuse("request-timeout", "the body of the request did not arrive in time")
        elif not self._is_answering():
            self.transport.close()

    def _refuse(self, problem: str, detail: str) -> None:
        """Answer what is no request, and close the connection."""
        cycle = self.cycle
        if self._receiving and self._head_is_done and cycle is not None:
            if self.pipeline:
                self.pipeline.clear()
                is_behind = True
            else:
                is_behind = cycle.response_started
                # Whatever reads its body is told that there is nobody left to answer.
                cycle.disconnected = True
                cycle.message_event.set()
        else:
            is_behind = cycle is not None and not cycle.response_complete
        self._receiving = False
        self._deferred = None
        self._all.release_incomplete(self)
        if not is_behind:
            self._all.dropped(problem)
            self.transport.write(problem_bytes(problem, detail, self._limiter.root_path))
            self._close_carefully()
        elif cycle is not None and cycle.response_complete:
            self._close()
        else:
            # The answer before it comes first, and is the last.
            self._draining = LINGER_BYTES
            self._is_last = True

    def _close_carefully(self) -> None:
        """Close once the client has had time to read the answer."""
        self._draining = LINGER_BYTES
        self.transport.write_eof()
        if not self.transport.is_closing():
            self.flow.resume_reading()
        self._deadline.after(LINGER_SECONDS)

    def _drain(self, size: int) -> None:
        self._draining = (self._draining or 0) - size
        if self._draining < 0:
            self.drop()

    def _close(self) -> None:
        """Close once what is written has been taken, for which there is a time limit."""
        self.transport.close()
        self._wait_for("taken")
