"""A connection with limits on its time and memory; subclasses parse requests and respond.

It always has a deadline, except while the application works on a request: for a head to arrive, for
a body to arrive, for the client to read a response, or for the next request.
"""

import asyncio
from typing import Any, Final, Literal, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bitrecall.service.http.application import HttpApplication
from bitrecall.service.http.deadline import Deadline
from bitrecall.service.http.raw_problems import problem_bytes
from bitrecall.service.http.write_coalescing import CoalescingTransport

# Seconds that an idle connection stays open when the server stops: a request may be in flight.
STOPPING_SECONDS: Final = 0.5
# Limits on the data that is read and discarded after an error response. Closing at once would reset
# the connection, and the client could lose the response.
LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 4 * 2**20
# The application rejects a body that arrives too slowly, and gets this much longer to do so.
_APPLICATION_SECONDS: Final = 1.0

Phase = Literal["head", "body", "next request", "response read", ""]


class LimitedConnection(HttpToolsProtocol):
    """A connection of uvicorn's that keeps to the ``ConnectionLimits`` of its application."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._application: HttpApplication = self.app
        self._budget = self._application.connection_budget
        self._limits = self._budget.limits
        self._limiter = self._application.limiter
        # A request has begun to arrive and is not complete.
        self._is_receiving = False
        self._is_head_complete = False
        self._waits_for: Phase = "head"
        self._deadline = Deadline(self.loop, self._deadline_passed)
        self._read_deadline: Deadline | None = None
        self._waiting_since = self._paused_at = 0.0
        self._has_answered = False
        # A request that the application gets once its body has arrived.
        self._deferred: tuple[RequestResponseCycle, Any] | None = None
        # Bytes received after a request that has no complete response yet.
        self._pipelined = b""
        # After an error response: bytes that may still be discarded; None before one.
        self._linger_bytes: int | None = None
        self._is_client_done = False
        # Nothing more is parsed, and the connection closes after the current response.
        self._closes_after_response = False
        # The server is stopping: the next response announces that the connection closes.
        self._is_stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of a connection, or reject it if there are too many."""
        super().connection_made(transport)
        # Writing counts as paused until the client has read everything, not until it reads a part.
        transport.set_write_buffer_limits(high=65_536, low=0)
        coalescer = self._application.write_coalescer
        self._coalescing = CoalescingTransport(transport, coalescer, self.loop.call_soon)
        self.transport = cast("asyncio.Transport", self._coalescing)
        self._waiting_since = self.loop.time()
        self._deadline.after(self._limits.head_seconds)
        if not self._budget.make_room(self, cast("Any", self.connections)):
            self.transport.write(self._limiter.reject(close=True))
            self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the resources of the connection."""
        self._deadline.cancel()
        if self._read_deadline is not None:
            self._read_deadline.cancel()
        self._budget.release_unread(self)
        self._budget.release_incomplete(self)
        self._pipelined = b""
        self._deferred = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Respond to requests that have arrived or are in flight, then close.

        Closing an idle connection at once would lose a request in flight. So it stays open for
        ``STOPPING_SECONDS``, and its next response announces that the connection closes.
        """
        self._is_stopping = True
        if self._is_answering() and self.cycle is not None:
            self.cycle.keep_alive = False
        elif (
            not self._is_receiving
            and not self.transport.is_closing()
            and self._linger_bytes is None
        ):
            self._deadline.after(STOPPING_SECONDS)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Handle the end of the client's data; the client still gets its responses."""
        self._is_client_done = self._closes_after_response = True
        if self._linger_bytes is not None or not self._is_answering():
            self._close()
        elif self.cycle is not None:
            # An application that waits for the client to disconnect may stop now.
            self.cycle.message_event.set()
        return True

    def pause_writing(self) -> None:
        """Start the deadline for reading the response: the write buffer is full."""
        super().pause_writing()
        if self._read_deadline is None:
            self._read_deadline = Deadline(self.loop, self._drop_unread)
        self._paused_at = self.loop.time()
        self._read_deadline.after(self._limits.answer_seconds)
        self._budget.hold_unread(self)

    def resume_writing(self) -> None:
        """Clear the deadline for reading: the client has read everything."""
        if self._read_deadline is not None:
            self._read_deadline.clear()
        self._budget.release_unread(self)
        super().resume_writing()

    def now(self) -> float:
        """The time of the event loop."""
        return self.loop.time()

    def waiting_since(self) -> tuple[bool, float] | None:
        """Whether it has ever sent a response, and since when it has waited for its client."""
        if self._is_answering() and not self.flow.write_paused:
            return None
        return self._has_answered, self._waiting_since

    def unread_bytes(self) -> int:
        """Bytes of responses that the client has not read."""
        return self._coalescing.get_write_buffer_size()

    def unread_since(self) -> float:
        """The time at which the client stopped reading a response."""
        return self._paused_at

    def drop(self) -> None:
        """Close at once and discard unwritten data."""
        self.transport.abort()

    def _drop_unread(self) -> None:
        self._budget.dropped("answer-not-read")
        self.drop()

    def _is_idle(self) -> bool:
        """Whether the next byte on this connection is the first of a request."""
        return not self._is_receiving and not self._is_answering()

    def _is_answering(self) -> bool:
        """Whether a request has arrived and has no complete response yet."""
        return (
            not self._is_receiving and self.cycle is not None and not self.cycle.response_complete
        )

    def _wait_for(self, phase: Phase) -> None:
        """Set the deadline of a phase, unless the connection is in that phase already."""
        if phase == self._waits_for:
            return
        limits = self._limits
        self._waiting_since = self.loop.time()
        if phase == "next request":
            self._deadline.after(self.timeout_keep_alive)
            return
        self._waits_for = phase
        extra = _APPLICATION_SECONDS if self._deferred is None else 0.0
        seconds = {
            "head": limits.head_seconds,
            "body": limits.body_seconds + extra,
            "response read": limits.answer_seconds,
        }
        self._deadline.after(seconds[phase])

    def _deadline_passed(self) -> None:
        if self._linger_bytes is None and self.unread_bytes():
            self._drop_unread()
        elif self._linger_bytes is not None or self.transport.is_closing():
            self.drop()
        elif self._is_receiving and not self._is_head_complete:
            self._fail("request-timeout", "the head of the request did not arrive in time")
        elif self._deferred is not None:
            self._fail("request-timeout", "the body of the request did not arrive in time")
        elif not self._is_answering():
            self.transport.close()

    def _fail(self, problem: str, detail: str) -> None:
        """Respond with a problem without calling the application, and close the connection.

        Args:
            problem: a key of ``PROBLEMS``.
            detail: what is wrong with this request.
        """
        cycle = self.cycle
        if self._is_receiving and self._is_head_complete and cycle is not None:
            if self.pipeline:
                self.pipeline.clear()
                is_behind = True
            else:
                is_behind = cycle.response_started
                # If the application reads the body, it gets http.disconnect.
                cycle.disconnected = True
                cycle.message_event.set()
        else:
            is_behind = cycle is not None and not cycle.response_complete
        self._is_receiving = False
        self._deferred = None
        self._budget.release_incomplete(self)
        if not is_behind:
            self._budget.dropped(problem)
            self.transport.write(problem_bytes(problem, detail, self._limiter.root_path))
            self._linger()
        elif cycle is not None and cycle.response_complete:
            self._close()
        else:
            # The response to the request before it is still sent; then the connection closes.
            self._linger_bytes = LINGER_BYTES
            self._closes_after_response = True

    def _linger(self) -> None:
        """Close once the client has had time to read the response."""
        self._linger_bytes = LINGER_BYTES
        self.transport.write_eof()
        if not self.transport.is_closing():
            self.flow.resume_reading()
        self._deadline.after(LINGER_SECONDS)

    def _discard(self, size: int) -> None:
        """Count bytes that were received while lingering; close if there are too many."""
        self._linger_bytes = (self._linger_bytes or 0) - size
        if self._linger_bytes < 0:
            self.drop()

    def _close(self) -> None:
        """Close once the client has read all written data, or its deadline has passed."""
        self.transport.close()
        self._wait_for("response read")
