"""Sends requests over keep-alive connections with little CPU time.

An HTTP client library takes several times as long for a request as the service. Here requests are
prepared bytes, and only the status and length of a response are read.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final, NamedTuple

from bitrecall.loadtest.errors import LoadTestError

OK: Final = 200
TOO_BUSY: Final = 503

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
# Interval of the check for due requests.
_TICK: Final = 0.001
# Timeout of a response after the end of a measurement.
_PATIENCE: Final = 60.0


class Address(NamedTuple):
    """Host and port to connect to, with TLS if secure."""

    host: str
    port: int
    secure: bool = False


@dataclass
class ResponseCounts:
    """Responses of one measurement.

    Attributes:
        seconds: latencies by status, from when a request was scheduled, or sent, to the end of
            its response.
        lost: requests whose connection closed before the response was complete.
        late: maximum number of due requests that waited for a free connection.
        duration: seconds of the measurement.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    lost: int = 0
    late: int = 0
    duration: float = 0.0

    def rate(self, status: int) -> float:
        """Responses per second with a status."""
        return len(self.seconds.get(status, ())) / self.duration

    @property
    def all_rate(self) -> float:
        """Responses per second with any status."""
        return sum(map(len, self.seconds.values())) / self.duration


class Connection(asyncio.Protocol):
    """A connection with one request at a time, which reports its response to the generator."""

    def __init__(self, load: LoadGenerator) -> None:
        self._load = load
        self._transport: Any = None
        self._received = b""
        self._started: float | None = None
        self._closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = transport

    def send(self, request: bytes, started: float) -> None:
        """Send a request that was scheduled at ``started``, in seconds of ``perf_counter``."""
        self._started = started
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read a part of a response; report the response when it is complete."""
        received = self._received = self._received + data
        end = received.find(_END_OF_HEAD)
        if end < 0:
            return
        head = received[:end].lower()
        start = head.find(_LENGTH)
        if start < 0:
            self._transport.abort()
            return
        length = int(head[start + len(_LENGTH) :].partition(b"\r\n")[0])
        if len(received) < end + len(_END_OF_HEAD) + length or self._started is None:
            return
        self._received = b""
        started, self._started = self._started, None
        self._load.count_response(self, int(received[9:12]), time.perf_counter() - started)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the closed connection."""
        self._load.count_closed(self, in_flight=self._started is not None)
        self._closed.set()

    async def close(self) -> None:
        """Close the connection."""
        self._started = None
        self._transport.close()
        await self._closed.wait()


class LoadGenerator:
    """Sends requests in a closed loop, or at a rate in an open loop.

    Args:
        address: address of the service.
        requests: complete HTTP requests, sent in turn and repeated.
        connections: number of connections to keep open.
    """

    def __init__(self, address: Address, requests: Sequence[bytes], connections: int) -> None:
        self._address = address
        self._requests: Iterator[bytes] = cycle(requests)
        self._n_connections = connections
        self._connections: list[Connection] = []
        self._free: deque[Connection] = deque()
        self._open = 0
        self._is_closed_loop = False
        self.counts = ResponseCounts()

    async def __aenter__(self) -> LoadGenerator:
        """Connect.

        Raises:
            LoadTestError: the service cannot be reached.
        """
        loop = asyncio.get_running_loop()
        to = self._address
        try:
            for _ in range(self._n_connections):
                _, connection = await loop.create_connection(
                    lambda: Connection(self), to.host, to.port, ssl=to.secure or None
                )
                self._connections.append(connection)
        except OSError as error:
            await self.__aexit__()
            raise LoadTestError(f"cannot connect to {to.host}:{to.port}: {error}") from error
        self._free.extend(self._connections)
        self._open = len(self._connections)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close all connections."""
        for connection in self._connections:
            await connection.close()

    def count_response(self, connection: Connection, status: int, seconds: float) -> None:
        """Count a response; in a closed loop, send the next request."""
        self.counts.seconds.setdefault(status, []).append(seconds)
        if self._is_closed_loop:
            connection.send(next(self._requests), time.perf_counter())
        else:
            self._free.append(connection)

    def count_closed(self, connection: Connection, *, in_flight: bool) -> None:
        """Count a closed connection, and the request that was lost with it, if any."""
        self._open -= 1
        self.counts.lost += in_flight
        if not in_flight and connection in self._free:
            self._free.remove(connection)

    async def as_fast_as_answered(self, seconds: float) -> ResponseCounts:
        """Closed loop: each connection sends the next request as soon as it has a response."""
        self.counts = ResponseCounts()
        self._is_closed_loop = True
        started = time.perf_counter()
        while self._free:
            self._free.popleft().send(next(self._requests), time.perf_counter())
        await asyncio.sleep(seconds)
        self._is_closed_loop = False
        return await self._wait_for_responses(started)

    async def at_rate(self, rate: float, seconds: float) -> ResponseCounts:
        """Open loop: requests with Poisson arrivals, ``rate`` per second, regardless of responses.

        A request without a free connection waits for one, and its latency includes the wait, so
        that slow responses do not hide the requests scheduled meanwhile (coordinated omission).
        For requests that became due since the last check, latency starts now: the generator's own
        delay of up to a millisecond is not the service's.
        """
        self.counts = ResponseCounts()
        started = time.perf_counter()
        due = last_check = started
        while (now := time.perf_counter()) < started + seconds:
            while due <= now and self._free:
                scheduled = now if due >= last_check else due
                self._free.popleft().send(next(self._requests), scheduled)
                due += random.expovariate(rate)
            if due <= now:
                self.counts.late = max(self.counts.late, int((now - due) * rate))
            last_check = now
            await asyncio.sleep(_TICK)
        return await self._wait_for_responses(started)

    async def _wait_for_responses(self, started: float) -> ResponseCounts:
        """Wait for outstanding responses.

        Raises:
            LoadTestError: they do not arrive within ``_PATIENCE``.
        """
        now = time.perf_counter()
        self.counts.duration = now - started
        while len(self._free) < self._open:
            if time.perf_counter() > now + _PATIENCE:
                raise LoadTestError(f"no response within {_PATIENCE:.0f} s")
            await asyncio.sleep(_TICK)
        return self.counts
