"""Deadlines of a request's head and body, and of reading its response."""

import pytest

from bitrecall.service.http.protocol import HttpProtocol
from tests.service.http.simulated_connection import (
    KEEP_ALIVE_SECONDS,
    REQUEST,
    Clock,
    Transport,
    receive_data,
    status,
)


def test_closes_a_silent_connection(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    clock.advance_to(9)
    assert not transport.closed
    clock.advance_to(10)
    assert (transport.closed, transport.written) == (True, b"")


def test_the_first_head_has_a_deadline_from_the_connection_start(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for second in range(10):
        clock.advance_to(second)
        receive_data(protocol, clock, REQUEST[second : second + 1])
        assert not transport.written
    clock.advance_to(10)
    assert (status(transport), transport.ended) == (b"408", True)
    clock.advance_to(20)
    assert transport.closed


def test_a_later_head_has_a_deadline_from_its_first_byte(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    clock.advance_to(25)
    receive_data(protocol, clock, REQUEST[:20])
    clock.advance_to(34)
    receive_data(protocol, clock, REQUEST[20:])
    assert transport.written.count(b"{}") == 2
    receive_data(protocol, clock, REQUEST[:20])
    transport.written = b""
    clock.advance_to(43)
    assert not transport.written
    clock.advance_to(44)
    assert status(transport) == b"408"


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"OPTIONS"])
def test_a_body_that_is_not_read_has_a_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol, method: bytes
) -> None:
    receive_data(protocol, clock, method + b" /livez HTTP/1.1\r\ncontent-length: 3\r\n\r\n")
    for second in range(20):
        clock.advance_to(second)
        assert not transport.written
    clock.advance_to(20)
    assert status(transport) == b"408"


def test_the_rest_of_a_body_has_a_deadline_after_an_early_response(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
    assert transport.written.endswith(b"{}")
    clock.advance_to(19)
    assert not transport.closed
    clock.advance_to(30)
    assert transport.closed


def test_the_body_of_a_rejected_request_has_a_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for number in range(10):
        protocol._limiter.enter(number)
    receive_data(protocol, clock, b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
    assert status(transport) == b"503"
    clock.advance_to(19)
    assert not transport.closed
    clock.advance_to(30)
    assert transport.closed


def test_an_unread_response_has_a_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    protocol.pause_writing()
    transport.unread = 100_000
    clock.advance_to(20)
    # Another request does not reset the deadline.
    protocol.data_received(REQUEST)
    clock.advance_to(39)
    assert not transport.closed
    clock.advance_to(40)
    assert transport.closed
    clock.tasks.pop().coroutine.close()


def test_keeps_a_connection_whose_response_is_read_in_time(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    protocol.pause_writing()
    clock.advance_to(20)
    protocol.resume_writing()
    receive_data(protocol, clock, REQUEST)
    clock.advance_to(20 + KEEP_ALIVE_SECONDS - 1)
    assert not transport.closed


def test_the_last_response_of_a_connection_has_a_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, b"GET /livez HTTP/1.0\r\n\r\n")
    assert transport.closed
    aborted = []
    transport.abort = lambda: aborted.append(clock.now)  # type: ignore[method-assign]
    clock.advance_to(100)
    assert aborted == [40]


def test_a_running_request_has_no_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    protocol.data_received(REQUEST)
    clock.advance_to(1000)
    assert not transport.closed
    clock.run()
    assert transport.written.endswith(b"{}")
