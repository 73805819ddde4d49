"""HTTP/1.1 for uvicorn: admits or rejects each request, and starts its handler.

A request takes one of two paths. On the fast path the ``MicroBatcher`` runs the application's
handler without the framework, and the response is one write. On the plain path uvicorn starts a
task that calls the complete application.
"""

from collections.abc import Coroutine
from functools import partial
from typing import Any, cast

from starlette.types import ASGIApp, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from bitrecall.service.http.direct_response import BufferedExchange
from bitrecall.service.http.limiter import quick_rejection
from bitrecall.service.http.request_parsing import ParsingConnection


class HttpProtocol(ParsingConnection):
    """A connection of HTTP/1.1 that serves an ``HttpApplication``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The current request and its response.
        self._exchange: BufferedExchange | None = None
        # Missing bytes of the body of a request that was rejected unparsed.
        self._body_to_skip = 0

    def data_received(self, data: bytes) -> None:
        """Parse received data, or reject a request unparsed if there are too many requests."""
        if self._linger_bytes is not None:
            self._discard(len(data))
            return
        if self._pipelined:
            self._hold_pipelined(data)
            return
        if self._body_to_skip:
            data = self._skip_body(data)
            if not data:
                return
        if not (self._limiter.is_full and self._is_idle() and self._reject_unparsed(data)):
            self._parse(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Handle the end of the client's data; the client still gets its responses."""
        if self._exchange is not None:
            self._exchange.is_client_done = True
        return super().eof_received()

    def on_message_complete(self) -> None:
        """Admit or reject a request whose last byte has arrived."""
        self._is_receiving = False
        self._framing.end_message()
        if self._waits_for:
            self._waits_for = ""
            self._budget.release_incomplete(self)
        self._deadline.clear()
        if self._is_upgrade:
            return
        super().on_message_complete()
        cycle, exchange = self.cycle, self._exchange
        if self._deferred is not None:
            (_, app), self._deferred = self._deferred, None
            self._start_asgi_task(cycle, app)
        elif cycle.response_complete:
            self._wait_for("next request")
        elif exchange is not None and exchange.cycle is cycle and not self._admit(cycle):
            exchange.is_rejected = True

    def on_response_complete(self) -> None:
        """Start the next request if it has arrived, or wait for it."""
        self.server_state.total_requests += 1
        self._has_answered = True
        if self.transport.is_closing():
            self._wait_for("response read")
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._pipelined:
            self.loop.call_soon(self._parse_pipelined)
        elif self._closes_after_response:
            self._close()
        else:
            self.flow.resume_reading()
            if not self._is_receiving:
                self._wait_for("next request")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start the handler of a request whose head has arrived, on the fast path if possible."""
        if cycle.more_body:
            if cycle.scope["method"] != "POST":
                # The application reads bodies of POST only: wait until the body has arrived.
                self._deferred = (cycle, app)
                return
        elif not self._admit(cycle):
            self._reject(cycle)
            return
        exchange = BufferedExchange(cycle, is_client_done=self._is_client_done)
        self._exchange = exchange
        fast_application = self._application.fast_application_for(cast("Scope", cycle.scope))
        if fast_application is None:
            send = cast("Send", cycle.send)
            super()._start_asgi_task(cycle, partial(self._run, exchange, app, send))
        else:
            handler = partial(self._run, exchange, fast_application, exchange.send)
            self._application.batcher.add(partial(self._begin, cycle, handler))

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> Coroutine[Any, Any, None] | None:
        """The coroutine of a complete request; for an incomplete one, start a task: None."""
        if cycle.more_body:
            super()._start_asgi_task(cycle, app)
            return None
        return cycle.run_asgi(app)

    async def _run(
        self, exchange: BufferedExchange, app: ASGIApp, send: Send, scope: Scope, *_: object
    ) -> None:
        """Call an application for one request, on either path."""
        cycle = exchange.cycle
        if exchange.is_rejected:
            self._reject(cycle)
            return
        try:
            await app(scope, exchange.receive, send)
        finally:
            self._limiter.leave(cycle)
            if self._is_client_done and not cycle.response_started:
                # The application stopped because the client is done: not an error.
                cycle.disconnected = True
                self._close()

    def _admit(self, cycle: RequestResponseCycle) -> bool:
        """Count a complete request as running, unless there are too many."""
        scope = cycle.scope
        if self._limiter.is_full and not self._limiter.must_answer(scope["method"], scope["path"]):
            return False
        self._limiter.enter(cycle)
        return True

    def _reject(self, cycle: RequestResponseCycle) -> None:
        """Respond to a parsed request with 503."""
        close = not cycle.keep_alive
        body = cycle.scope["method"] != "HEAD"
        self.transport.write(self._limiter.reject(close=close, body=body))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if close:
            self.transport.close()
        self.on_response_complete()

    def _reject_unparsed(self, data: bytes) -> bool:
        """Respond to a request with 503 without parsing it; return False if it has to be parsed."""
        rejection = quick_rejection(data, self._limiter.parsed)
        if rejection is None:
            return False
        self._body_to_skip = rejection.missing
        self.transport.write(self._limiter.reject(close=rejection.close))
        self._coalescing.flush()
        if rejection.close:
            self._close()
        else:
            self._wait_for("body" if rejection.missing else "next request")
        return True

    def _skip_body(self, data: bytes) -> bytes:
        """Skip the body of a request that was rejected unparsed; return the data after it."""
        skipped = min(self._body_to_skip, len(data))
        self._body_to_skip -= skipped
        if not self._body_to_skip:
            self._waits_for = ""
            self._wait_for("next request")
        return data[skipped:]
