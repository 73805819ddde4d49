"""What Prometheus is told of nights."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.scheduler.exit_codes import ENDS, name_of


@dataclass
class Told:
    """What is to be counted of a night once it has ended: its exit code."""

    code: int = 0


class Metrics:
    """Counts of this process, and what the store says of the last night.

    Args:
        releases: the folder of the store.
    """

    def __init__(self, releases: Path) -> None:
        self._releases = releases
        self._registry = CollectorRegistry()
        self._running = self._gauge("bitrecall_night_running", "1 while a night is running.")
        self._seconds = self._gauge("bitrecall_night_seconds", "What the last night took.")
        self._next = self._gauge(
            "bitrecall_next_night_timestamp_seconds", "When the next night is due."
        )
        self._ended = Counter(
            "bitrecall_nights", "Nights ended, by outcome.", ["outcome"], registry=self._registry
        )
        self._last = Gauge(
            "bitrecall_last_night_timestamp_seconds",
            "When a night last ended so.",
            ["outcome"],
            registry=self._registry,
        )

    def serve(self, host: str, port: int) -> Any:
        """Answer Prometheus from another thread; the server, to be shut down. Raises OSError."""
        server, _ = start_http_server(port, addr=host, registry=self._registry)
        return server

    def due(self, moment: float) -> None:
        """The next night is due, in seconds since 1970-01-01 UTC."""
        self._next.set(moment)

    @contextmanager
    def night(self) -> Iterator[Told]:
        """Count a night for as long as the ``with`` lasts."""
        told = Told()
        began = time.monotonic()
        self._running.set(1)
        try:
            yield told
        finally:
            self._running.set(0)
            self._seconds.set(time.monotonic() - began)
            outcome = self._outcome(told.code)
            self._ended.labels(outcome).inc()
            self._last.labels(outcome).set_to_current_time()

    def _outcome(self, code: int) -> str:
        night = RetrainingStatus.read(self._releases)
        if night is not None and code in ENDS:
            # One code may stand for several outcomes; any other may have come before it was said.
            return night.outcome
        return name_of(code)

    def _gauge(self, name: str, help_: str) -> Gauge:
        return Gauge(name, help_, registry=self._registry)
