"""Requests over connections that are kept open, for little of the processor.

An HTTP client library takes several times as long over a request as the service does over the
answer. Here a request is bytes made beforehand, and of an answer only status and length are read.
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
# How often it is looked which requests are due.
_TICK: Final = 0.001
# What is not answered by then is given up.
_PATIENCE: Final = 60.0


class Address(NamedTuple):
    """Where connections go: a host and a port, by TLS if secure."""

    host: str
    port: int
    secure: bool = False


@dataclass
class ResponseCounts:
    """What came of the requests of one measurement.

    Attributes:
        seconds: of each status, from when a request was due, or begun, to the end of its answer.
        lost: requests whose connection ended before the answer did.
        late: the most requests that were due at a moment and had no free connection.
        took: seconds that the measurement took.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    lost: int = 0
    late: int = 0
    took: float = 0.0

    def rate(self, status: int) -> float:
        """Answers a second with a status."""
        return len(self.seconds.get(status, ())) / self.took

    @property
    def all_rate(self) -> float:
        """Answers a second with any status."""
        return sum(map(len, self.seconds.values())) / self.took


class Connection(asyncio.Protocol):
    """One request at a time; tells the load when it is answered."""

    def __init__(self, load: LoadGenerator) -> None:
        self._load = load
        self._transport: Any = None
        self._got = b""
        self._begun: float | None = None
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = transport

    def ask(self, request: bytes, begun: float) -> None:
        """Send a request that was due at ``begun``."""
        self._begun = begun
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
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
        """It is gone, and the request with it."""
        self._load.gone(self, asked=self._begun is not None)
        self._gone.set()

    async def close(self) -> None:
        """Hang up."""
        self._begun = None
        self._transport.close()
        await self._gone.wait()


class LoadGenerator:
    """Asks over some connections, either as fast as it is answered or at a rate.

    Args:
        address: of the service.
        requests: whole HTTP requests, asked in turn and again.
        connections: how many to keep open.
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
        """Connect; LoadTestError where that fails."""
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
            raise LoadTestError(f"{to.host}:{to.port} takes no connection: {error}") from error
        self._free.extend(self._all)
        self._open = len(self._all)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Hang up."""
        for connection in self._all:
            await connection.close()

    def answered(self, connection: Connection, status: int, seconds: float) -> None:
        """Count an answer, and ask again where that is wanted."""
        self.answers.seconds.setdefault(status, []).append(seconds)
        if self._again:
            connection.ask(next(self._requests), time.perf_counter())
        else:
            self._free.append(connection)

    def gone(self, connection: Connection, *, asked: bool) -> None:
        """Count a connection that has ended, and whether a request was lost with it."""
        self._open -= 1
        self.answers.lost += asked
        if not asked and connection in self._free:
            self._free.remove(connection)

    async def as_fast_as_answered(self, seconds: float) -> ResponseCounts:
        """A closed loop: each connection asks again as soon as it is answered."""
        self.answers = ResponseCounts()
        self._again = True
        begun = time.perf_counter()
        while self._free:
            self._free.popleft().ask(next(self._requests), time.perf_counter())
        await asyncio.sleep(seconds)
        self._again = False
        return await self._finished(begun)

    async def at_rate(self, rate: float, seconds: float) -> ResponseCounts:
        """An open loop: requests are due at random moments, ``rate`` a second, whatever comes back.

        One that finds no free connection waits for one, and its wait counts: no slow answer hides
        the requests that would have come during it (coordinated omission). Those that came due
        since it was last looked count from now: a millisecond of ours is not the service's.
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
        """Wait for what is still to be answered; LoadTestError where that does not come."""
        now = time.perf_counter()
        self.answers.took = now - begun
        while len(self._free) < self._open:
            if time.perf_counter() > now + _PATIENCE:
                raise LoadTestError(f"requests are not answered within {_PATIENCE:.0f} s")
            await asyncio.sleep(_TICK)
        return self.answers
