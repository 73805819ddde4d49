"""When a connection is closed: idle, or at the end of the server."""

import pytest

from bitrecall.service.http.connection import STOPPING_SECONDS
from bitrecall.service.http.protocol import HttpProtocol
from tests.service.http.simulated_connection import (
    KEEP_ALIVE_SECONDS,
    REQUEST,
    Clock,
    Transport,
    receive_data,
)


def test_closes_an_idle_connection_after_the_timeout(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    assert transport.written.endswith(b"{}")
    clock.advance_to(KEEP_ALIVE_SECONDS - 1)
    assert not transport.closed
    clock.advance_to(KEEP_ALIVE_SECONDS)
    assert transport.closed


def test_the_timeout_starts_at_the_last_response_with_one_timer(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for time in (0, 1, 29):
        clock.advance_to(time)
        receive_data(protocol, clock, REQUEST)
        assert len(clock.timers) == 1
    clock.advance_to(29 + KEEP_ALIVE_SECONDS - 1)
    assert not transport.closed
    clock.advance_to(29 + KEEP_ALIVE_SECONDS)
    assert transport.closed


def test_a_closed_connection_leaves_no_timer(clock: Clock, protocol: HttpProtocol) -> None:
    receive_data(protocol, clock, REQUEST)
    protocol.connection_lost(None)
    assert clock.timers == []


def test_responds_to_a_request_in_flight_when_the_server_stops(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    protocol.shutdown()
    assert not transport.closed
    first, transport.written = transport.written, b""
    receive_data(protocol, clock, REQUEST)
    assert b"connection: close" not in first
    assert b"connection: close" in transport.written
    assert transport.written.endswith(b"{}")
    assert transport.closed


@pytest.mark.parametrize("requests", [0, 1])
def test_closes_idle_connections_soon_after_the_server_stops(
    clock: Clock, transport: Transport, protocol: HttpProtocol, requests: int
) -> None:
    for _ in range(requests):
        receive_data(protocol, clock, REQUEST)
    protocol.shutdown()
    assert not transport.closed
    clock.advance_to(STOPPING_SECONDS)
    assert transport.closed
