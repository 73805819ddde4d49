"""HTTP as uvicorn speaks it, with limits on what a request may be.

A request is admitted, or turned away, when all of it has arrived, and one at a time: what a client
sends behind it waits unparsed until it is answered.
"""

from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from bitrecall.service.errors import TooBusyError
from bitrecall.service.http.connection import LimitedConnection
from bitrecall.service.http.direct_response import BufferedExchange, attach, detach
from bitrecall.service.http.framing import END_OF_HEAD, Framing, HeadError, without_upgrade
from bitrecall.service.http.limiter import quick_rejection
from bitrecall.service.http.micro_batching import MicroBatcher

# The parser is given no more than this at once where it may find several requests.
_PIECE: Final = 16_384
# The parts of a chunked body may hide the ends of many requests.
_CHUNKED_PIECE: Final = 1024


class HttpProtocol(LimitedConnection):
    """A connection of HTTP/1.1.

    The application also has a ``batcher``, and says with ``fast_path`` what answers a
    request ``fast_path``.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._batcher: MicroBatcher = self.app.batcher
        self._framing = Framing(self._limits)
        # The request that is being answered.
        self._first: RequestResponseCycle | None = None
        self._whole: BufferedExchange | None = None
        self._upgrades = False
        self._refused_as: HeadError | None = None
        # Of a request that was turned away, what is still to come of its body.
        self._to_drop = 0

    def data_received(self, data: bytes) -> None:
        """Turn a request away if there are too many, and parse what comes otherwise."""
        if self._draining is not None:
            self._drain(len(data))
            return
        if self._behind:
            self._put_behind(data)
            return
        if self._to_drop:
            data = self._dropped(data)
            if not data:
                return
        if (
            self._limiter.is_full
            and self._is_idle()
            and (shed := quick_rejection(data, self._limiter.parsed))
        ):
            self._to_drop = shed.missing
            self.transport.write(self._limiter.reject(close=shed.close))
            self._coalescing.flush()
            if shed.close:
                self._close()
            else:
                self._wait_for("body" if shed.missing else "next")
            return
        end = data.find(END_OF_HEAD)
        if len(data) <= _PIECE and (end < 0 or data.find(END_OF_HEAD, end + 4) < 0):
            self._feed(data)
        else:
            self._feed_pieces(data)

    def _feed_pieces(self, data: bytes) -> None:
        """Parse request by request; what is behind one that is not answered yet waits for that."""
        at = 0
        while at < len(data) and self._draining is None and not self.transport.is_closing():
            if self._is_answering():
                self._put_behind(data[at:])
                return
            if self._receiving and self._head_is_done:
                left = self._framing.body_left(self.headers)
                size = _CHUNKED_PIECE if left is None else min(max(left, 1), _PIECE)
            else:
                end = data.find(END_OF_HEAD, at, at + _PIECE)
                size = _PIECE if end < 0 else end + len(END_OF_HEAD) - at
            self._feed(data[at : at + size])
            at += size

    def _feed(self, data: bytes) -> None:
        self._framing.begin_piece(len(data))
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._upgrades:
                self._ignore_upgrade(data[upgrade.args[0] :])
            else:
                self._refuse("malformed-http", "this method is not supported")
            return
        except httptools.HttpParserError as error:
            refused = self._refused_as
            if refused is None:
                self._refuse("malformed-http", f"the request is not HTTP/1.1: {error}"[:200])
            else:
                self._refuse(refused.problem, refused.detail)
            return
        self._framing.end_piece()
        if self._receiving or self._framing.overhead > 0:
            self._check_incomplete()

    def _check_incomplete(self) -> None:
        """Refuse a request that is incomplete and has been too long or too large already."""
        excess = self._framing.excess(
            url=self.url if self._receiving and not self._head_is_done else None,
            in_body=self._receiving and self._head_is_done,
        )
        if excess is not None:
            self._refuse(excess.problem, excess.detail)
            return
        if not self._receiving:
            return
        self._wait_for("body" if self._head_is_done else "head")
        if self._deferred is not None and len(self._deferred[0].body) > _PIECE:
            self._refuse("body-too-large", "this method needs no body")
        elif not self._all.hold_incomplete(self, self._framing.body_bytes):
            self._refuse("too-busy", "too many bytes of incomplete requests; send it again later")

    def on_message_begin(self) -> None:
        """The first of a request has come."""
        self._receiving = True
        self._head_is_done = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has come; or a trailer, which is left out."""
        if self._head_is_done:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        if len(self.headers) >= self._limits.headers:
            self._refused_as = self._framing.too_many_headers()
            raise self._refused_as
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head has come."""
        self._refused_as = self._framing.check_head(self.url, self.headers)
        if self._refused_as is not None:
            raise self._refused_as
        self._head_is_done = True
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._upgrades = True
            return
        super().on_headers_complete()
        if self._is_stopping:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of the body has come."""
        self._framing.body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last of a request has come: admit it."""
        self._receiving = False
        self._framing.end_message()
        if self._waits_for:
            self._waits_for = ""
            self._all.release_incomplete(self)
        self._deadline.clear()
        if self._upgrades:
            return
        super().on_message_complete()
        cycle = self.cycle
        if self._deferred is not None:
            (_, app), self._deferred = self._deferred, None
            self._start_asgi_task(cycle, app)
        elif cycle.response_complete:
            self._wait_for("next")
        elif self._first is cycle and not self._admit(cycle) and self._whole is not None:
            self._whole.is_refused = True

    def on_response_complete(self) -> None:
        """Begin with the next request, or wait for it."""
        self.server_state.total_requests += 1
        self._was_answered = True
        if self.transport.is_closing():
            self._wait_for("taken")
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._behind:
            self.loop.call_soon(self._go_on)
        elif self._is_last:
            self._close()
        else:
            self.flow.resume_reading()
            if not self._receiving:
                self._wait_for("next")

    def _go_on(self) -> None:
        """Parse what came behind a request that is answered now."""
        behind, self._behind = self._behind, b""
        self._all.release_incomplete(self)
        if behind and not self.transport.is_closing():
            self._feed_pieces(behind)
        if not self._behind:
            self.flow.resume_reading()
            if self._is_last and not self._is_answering():
                self._close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Answer a request, which is the first in line."""
        if cycle.more_body:
            if cycle.scope["method"] != "POST":
                # Nothing else reads a body: begin when it has arrived.
                self._deferred = (cycle, app)
                return
        elif not self._admit(cycle):
            self._turn_away(cycle)
            return
        self._first = cycle
        fast_path = self.app.fast_path(cycle.scope)
        answering = fast_path or app
        whole = self._whole = attach(cycle)

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            if whole.is_refused:
                detach(cycle)
                self._turn_away(cycle)
                return
            try:
                await answering(scope, self._receive, send)
            finally:
                detach(cycle)
                self._limiter.leave(cycle)
                if self._client_is_done and not cycle.response_started:
                    # It gave up on a client that is done: nothing is wrong.
                    cycle.disconnected = True
                    self._close()

        if fast_path is None:
            super()._start_asgi_task(cycle, counted)
        else:
            self._batcher.add(partial(self._begin, cycle, counted))

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> Coroutine[Any, Any, None] | None:
        """Answer a request, which has to have come whole for that, or let it be a task."""
        if cycle.more_body:
            super()._start_asgi_task(cycle, app)
            return None
        return cycle.run_asgi(app)

    async def _receive(self) -> Any:
        """What the application receives: the body, then that its client is gone, or done.

        Raises ``TooBusyError`` if there were too many requests when the last of it arrived.
        """
        cycle, whole = self._first, self._whole
        if cycle is None or whole is None:
            return {"type": "http.disconnect"}
        if whole.is_read and self._client_is_done:
            return {"type": "http.disconnect"}
        message = await cycle.receive()
        if message["type"] == "http.request":
            if whole.is_read:
                return {"type": "http.disconnect"}
            whole.is_read = not message["more_body"]
            if whole.is_read and whole.is_refused:
                raise TooBusyError
        return message

    def _admit(self, cycle: RequestResponseCycle) -> bool:
        """Count a request that has arrived, unless there are too many."""
        scope = cycle.scope
        if self._limiter.is_full and not self._limiter.must_answer(scope["method"], scope["path"]):
            return False
        self._limiter.enter(cycle)
        return True

    def _turn_away(self, cycle: RequestResponseCycle) -> None:
        close = not cycle.keep_alive
        body = cycle.scope["method"] != "HEAD"
        self.transport.write(self._limiter.reject(close=close, body=body))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if close:
            self.transport.close()
        self.on_response_complete()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Parse a request that asks for another protocol as if it did not, as RFC 9110 allows."""
        head = without_upgrade(
            self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers
        )
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._upgrades = False
        self._feed(head)
        if rest:
            self._feed_pieces(rest)

    def _dropped(self, data: bytes) -> bytes:
        """What is left behind the body of a request that was turned away."""
        dropped = min(self._to_drop, len(data))
        self._to_drop -= dropped
        if not self._to_drop:
            self._waits_for = ""
            self._wait_for("next")
        return data[dropped:]

    def _put_behind(self, data: bytes) -> None:
        self._behind += data
        self.flow.pause_reading()
        if not self._all.hold_incomplete(self, len(self._behind)):
            self.drop()
