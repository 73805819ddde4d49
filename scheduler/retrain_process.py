"""Running nights, each as a process of its own: its memory is given back, its crash is its own."""

import logging
import subprocess
from collections.abc import Sequence
from threading import Event, Lock

from bitrecall.scheduler.exit_codes import ENDS, name_of
from bitrecall.scheduler.metrics import Metrics

_log = logging.getLogger(__name__)


class RetrainProcess:
    """Runs one night at a time; safe to stop from another thread or a signal handler.

    Args:
        command: of one night.
        metrics: told of each.
        retries: how often a night that failed is tried again.
        retry_seconds: before that.
    """

    def __init__(
        self, command: Sequence[str], metrics: Metrics, retries: int, retry_seconds: float
    ) -> None:
        self._command = list(command)
        self._metrics = metrics
        self._retries = retries
        self._retry_seconds = retry_seconds
        self._stopping = Event()
        self._running = Lock()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> int | None:
        """Run a night, and again where it failed; the exit code of the last try.

        None where it was stopped before it began, or another one is running.
        """
        if not self._running.acquire(blocking=False):
            _log.warning("a night was due while another was running: it is left out")
            return None
        try:
            return self._until_it_ends()
        finally:
            self._running.release()

    def stop(self) -> None:
        """End what is running, which writes a checkpoint first, and begin nothing else."""
        self._stopping.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def _until_it_ends(self) -> int | None:
        code = None
        for attempt in range(1 + self._retries):
            code = self._once()
            if code is None or code in ENDS or self._stopping.is_set():
                return code
            left = self._retries - attempt
            if left:
                _log.warning(
                    "the night ended with exit code %d; tried again in %.0f minutes, %d times at "
                    "most",
                    *(code, self._retry_seconds / 60, left),
                )
                if self._stopping.wait(self._retry_seconds):
                    return code
        _log.error("the night failed for good (exit code %s); the next one is tried anew", code)
        return code

    def _once(self) -> int | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            _log.info("a night begins: %s", " ".join(self._command))
            self._process = subprocess.Popen(self._command)  # noqa: S603 - our own command
        with self._metrics.night() as told:
            code = self._process.wait()
            told.code = code
        with self._lock:
            self._process = None
        _log.info("the night ended with exit code %d (%s)", code, name_of(code))
        return code
