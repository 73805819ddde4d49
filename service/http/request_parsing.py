"""Parsing of requests, with limits on their size, one request at a time."""

from typing import Any, Final

import httptools

from bitrecall.service.http.connection import LimitedConnection
from bitrecall.service.http.framing import END_OF_HEAD, Framing, HeadError, without_upgrade

# Maximum bytes passed to the parser at once if the data may hold several requests.
_PIECE: Final = 16_384
# The same for a chunked body, which may hide the ends of many requests.
_CHUNKED_PIECE: Final = 1024


class ParsingConnection(LimitedConnection):
    """Parses one request at a time; pipelined data waits until the response is complete.

    A subclass handles requests: uvicorn calls ``_start_asgi_task`` when a head is complete and
    ``on_message_complete`` when a request is.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._framing = Framing(self._limits)
        self._head_error: HeadError | None = None
        self._is_upgrade = False

    def _parse(self, data: bytes) -> None:
        """Parse received data."""
        end = data.find(END_OF_HEAD)
        if len(data) <= _PIECE and (end < 0 or data.find(END_OF_HEAD, end + 4) < 0):
            self._feed(data)
        else:
            self._feed_pieces(data)

    def _feed_pieces(self, data: bytes) -> None:
        """Parse request by request; data after a request without a response waits."""
        at = 0
        while at < len(data) and self._linger_bytes is None and not self.transport.is_closing():
            if self._is_answering():
                self._hold_pipelined(data[at:])
                return
            if self._is_receiving and self._is_head_complete:
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
            if self._is_upgrade:
                self._ignore_upgrade(data[upgrade.args[0] :])
            else:
                self._fail("malformed-http", "this method is not supported")
            return
        except httptools.HttpParserError as error:
            head_error = self._head_error
            if head_error is None:
                self._fail("malformed-http", f"the request is not HTTP/1.1: {error}"[:200])
            else:
                self._fail(head_error.problem, head_error.detail)
            return
        self._framing.end_piece()
        if self._is_receiving or self._framing.overhead > 0:
            self._check_incomplete()

    def _check_incomplete(self) -> None:
        """Reject an incomplete request that is too long or exceeds the memory budget."""
        excess = self._framing.excess(
            url=self.url if self._is_receiving and not self._is_head_complete else None,
            in_body=self._is_receiving and self._is_head_complete,
        )
        if excess is not None:
            self._fail(excess.problem, excess.detail)
            return
        if not self._is_receiving:
            return
        self._wait_for("body" if self._is_head_complete else "head")
        if self._deferred is not None and len(self._deferred[0].body) > _PIECE:
            self._fail("body-too-large", "a request with this method may not have such a long body")
        elif not self._budget.hold_incomplete(self, self._framing.body_bytes):
            self._fail("too-busy", "too many bytes of incomplete requests; send it again later")

    def on_message_begin(self) -> None:
        """Start a new request."""
        self._is_receiving = True
        self._is_head_complete = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; ignore trailers.

        Raises:
            HeadError: there are too many headers.
        """
        if self._is_head_complete:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        if len(self.headers) >= self._limits.headers:
            self._head_error = self._framing.too_many_headers()
            raise self._head_error
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Start handling the request.

        Raises:
            HeadError: the head is too long.
        """
        self._head_error = self._framing.check_head(self.url, self.headers)
        if self._head_error is not None:
            raise self._head_error
        self._is_head_complete = True
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._is_upgrade = True
            return
        super().on_headers_complete()
        if self._is_stopping:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Add a part of the body."""
        self._framing.body_bytes += len(body)
        super().on_body(body)

    def _ignore_upgrade(self, remaining: bytes) -> None:
        """Parse a request for a protocol upgrade as a plain request, as RFC 9110 allows."""
        head = without_upgrade(
            self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers
        )
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._is_upgrade = False
        self._feed(head)
        if remaining:
            self._feed_pieces(remaining)

    def _hold_pipelined(self, data: bytes) -> None:
        """Buffer data that arrives before the response to the previous request is complete."""
        self._pipelined += data
        self.flow.pause_reading()
        if not self._budget.hold_incomplete(self, len(self._pipelined)):
            self.drop()

    def _parse_pipelined(self) -> None:
        """Parse the buffered data once the response before it is complete."""
        data, self._pipelined = self._pipelined, b""
        self._budget.release_incomplete(self)
        if data and not self.transport.is_closing():
            self._feed_pieces(data)
        if not self._pipelined:
            self.flow.resume_reading()
            if self._closes_after_response and not self._is_answering():
                self._close()
