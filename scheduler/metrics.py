"""Prometheus metrics of retraining runs."""

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
class ExitCode:
    """The exit code of a run, set when it has ended."""

    code: int = 0


class Metrics:
    """Metrics of the scheduler, and the outcome of the last run from the store.

    Args:
        releases: folder of the release store.
    """

    def __init__(self, releases: Path) -> None:
        self._releases = releases
        self._registry = CollectorRegistry()
        self._running = self._gauge(
            "bitrecall_retraining_running", "1 while a retraining run is in progress."
        )
        self._seconds = self._gauge(
            "bitrecall_retraining_seconds", "Duration of the last retraining run."
        )
        self._next = self._gauge(
            "bitrecall_next_retraining_timestamp_seconds", "Time of the next retraining run."
        )
        self._ended = Counter(
            "bitrecall_retraining_runs",
            "Finished retraining runs by outcome.",
            ["outcome"],
            registry=self._registry,
        )
        self._last = Gauge(
            "bitrecall_last_retraining_timestamp_seconds",
            "Time of the last retraining run with the outcome.",
            ["outcome"],
            registry=self._registry,
        )

    def serve(self, host: str, port: int) -> Any:
        """Serve the metrics from another thread, and return the server. Raises OSError."""
        server, _ = start_http_server(port, addr=host, registry=self._registry)
        return server

    def due(self, moment: float) -> None:
        """Set the time of the next run, in seconds since 1970-01-01 UTC."""
        self._next.set(moment)

    @contextmanager
    def run(self) -> Iterator[ExitCode]:
        """Measure a run for as long as the ``with`` block lasts."""
        exit_code = ExitCode()
        began = time.monotonic()
        self._running.set(1)
        try:
            yield exit_code
        finally:
            self._running.set(0)
            self._seconds.set(time.monotonic() - began)
            outcome = self._outcome(exit_code.code)
            self._ended.labels(outcome).inc()
            self._last.labels(outcome).set_to_current_time()

    def _outcome(self, code: int) -> str:
        status = RetrainingStatus.read(self._releases)
        if status is not None and code in ENDS:
            # One code has several outcomes; with other codes the file may be of an earlier run.
            return status.outcome
        return name_of(code)

    def _gauge(self, name: str, help_: str) -> Gauge:
        return Gauge(name, help_, registry=self._registry)
