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
        took: duration of the measurement in seconds.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    lost: int = 0
    late: int = 0
    took: float = 0.0

    def rate(self, status: int) -> float:
        """Responses per second with a status."""
        return len(self.seconds.get(status, ())) / self.took

    @property
    def all_rate(self) -> float:
        """Responses per second with any status."""
        return sum(map(len, self.seconds.values())) / self.took


class Connection(asyncio.Protocol):
    """A connection with one request at a time, which reports its response to the generator."""

    def __init__(self, load: LoadGenerator) -> None:
        self._load = load
        self._transport: Any = None
        self._got = b""
        self._begun: float | None = None
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def ask(self, request: bytes, begun: float) -> None:
        """Send a request that was scheduled at ``begun``."""
        self._begun = begun
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read a part of a response; report the response when it is complete."""
        got = self._got = self._got + data
        end = got.find(_END_OF_HEAD)
        if end < 0:
            return
        head = got[:end].lower()
        start = head.find(_LENGTH)
        if start < 0:
            self._transport.abort()
            return
        length = int(head[start + len(_LENGTH) :].partition(b"\r\n")[0])
        if len(got) < end + len(_END_OF_HEAD) + length or self._begun is None:
            return
        self._got = b""
        begun, self._begun = self._begun, None
        self._load.answered(self, int(got[9:12]), time.perf_counter() - begun)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the closed connection."""
        self._load.gone(self, asked=self._begun is not None)
        self._gone.set()

    async def close(self) -> None:
        """Close the connection."""
        self._begun = None
        self._transport.close()
        await self._gone.wait()


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
        self._number = connections
        self._all: list[Connection] = []
        self._free: deque[Connection] = deque()
        self._open = 0
        self._again = False
        self.answers = ResponseCounts()

    async def __aenter__(self) -> LoadGenerator:
        """Connect; LoadTestError if that fails."""
        loop = asyncio.get_running_loop()
        to = self._address
        try:
            for _ in range(self._number):
                _, connection = await loop.create_connection(
                    lambda: Connection(self), to.host, to.port, ssl=to.secure or None
                )
                self._all.append(connection)
        except OSError as error:
            await self.__aexit__()
            raise LoadTestError(f"{to.host}:{to.port} cannot be connected to: {error}") from error
        self._free.extend(self._all)
        self._open = len(self._all)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close all connections."""
        for connection in self._all:
            await connection.close()

    def answered(self, connection: Connection, status: int, seconds: float) -> None:
        """Count a response; in a closed loop, send the next request."""
        self.answers.seconds.setdefault(status, []).append(seconds)
        if self._again:
            connection.ask(next(self._requests), time.perf_counter())
        else:
            self._free.append(connection)

    def gone(self, connection: Connection, *, asked: bool) -> None:
        """Count a closed connection, and the request that was lost with it, if any."""
        self._open -= 1
        self.answers.lost += asked
        if not asked and connection in self._free:
            self._free.remove(connection)

    async def as_fast_as_answered(self, seconds: float) -> ResponseCounts:
        """Closed loop: each connection sends the next request as soon as it has a response."""
        self.answers = ResponseCounts()
        self._again = True
        begun = time.perf_counter()
        while self._free:
            self._free.popleft().ask(next(self._requests), time.perf_counter())
        await asyncio.sleep(seconds)
        self._again = False
        return await self._finished(begun)

    async def at_rate(self, rate: float, seconds: float) -> ResponseCounts:
        """Open loop: requests with Poisson arrivals, ``rate`` per second, regardless of responses.

        A request without a free connection waits for one, and its latency includes the wait, so
        that slow responses do not hide the requests scheduled meanwhile (coordinated omission).
        For requests that became due since the last check, latency starts now: the generator's own
        delay of up to a millisecond is not the service's.
        """
        self.answers = ResponseCounts()
        begun = time.perf_counter()
        due = looked = begun
        while (now := time.perf_counter()) < begun + seconds:
            while due <= now and self._free:
                moment = now if due >= looked else due
                self._free.popleft().ask(next(self._requests), moment)
                due += random.expovariate(rate)
            if due <= now:
                self.answers.late = max(self.answers.late, int((now - due) * rate))
            looked = now
            await asyncio.sleep(_TICK)
        return await self._finished(begun)

    async def _finished(self, begun: float) -> ResponseCounts:
        """Wait for outstanding responses; LoadTestError if they do not arrive."""
        now = time.perf_counter()
        self.answers.took = now - begun
        while len(self._free) < self._open:
            if time.perf_counter() > now + _PATIENCE:
                raise LoadTestError(f"no response within {_PATIENCE:.0f} s")
            await asyncio.sleep(_TICK)
        return self.answers
