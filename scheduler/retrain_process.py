"""Runs ``bitrecall retrain`` in a child process, which frees its memory and may crash alone."""

import logging
import subprocess
from collections.abc import Sequence
from threading import Event, Lock

from bitrecall.scheduler.exit_codes import ENDS, name_of
from bitrecall.scheduler.metrics import Metrics

_log = logging.getLogger(__name__)


class RetrainProcess:
    """Runs one child process at a time; safe to stop from another thread or a signal handler.

    Args:
        command: the command of a run.
        metrics: records each run.
        retries: maximum number of retries of a failed run.
        retry_seconds: delay before a retry.
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
        """Run, retry if it failed, and return the exit code of the last attempt.

        None if it was stopped before it started, or another run is in progress.
        """
        if not self._running.acquire(blocking=False):
            _log.warning("a retraining run was due while another was in progress, and is skipped")
            return None
        try:
            return self._run_with_retries()
        finally:
            self._running.release()

    def stop(self) -> None:
        """Terminate the current run, which writes a checkpoint first, and start no other."""
        self._stopping.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def _run_with_retries(self) -> int | None:
        code = None
        for attempt in range(1 + self._retries):
            code = self._run_once()
            if code is None or code in ENDS or self._stopping.is_set():
                return code
            left = self._retries - attempt
            if left:
                _log.warning(
                    "retraining ended with exit code %d; retry in %.0f minutes, at most %d times",
                    *(code, self._retry_seconds / 60, left),
                )
                if self._stopping.wait(self._retry_seconds):
                    return code
        _log.error("retraining failed (exit code %s); giving up until the next scheduled run", code)
        return code

    def _run_once(self) -> int | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            _log.info("retraining starts: %s", " ".join(self._command))
            self._process = subprocess.Popen(self._command)  # noqa: S603 - our own command
        with self._metrics.run() as exit_code:
            code = self._process.wait()
            exit_code.code = code
        with self._lock:
            self._process = None
        _log.info("retraining ended with exit code %d (%s)", code, name_of(code))
        return code
