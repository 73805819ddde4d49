"""Several worker processes, and their supervisor: it starts, watches and replaces them."""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from typing import Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from bitrecall.service.terminal import Terminal

# Seconds beyond the shutdown timeout after which a worker is killed.
_GRACE_SECONDS: Final = 5.0
_CHECK_INTERVAL: Final = 0.1

_log = logging.getLogger(__name__)


class Worker(Process):
    """A worker process, which ends when its parent does.

    Attributes:
        has_been_ready: whether it has responded to a ping.
        deadline: time by which it has to be ready, on the monotonic clock.
    """

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], startup_timeout: float
    ) -> None:
        self.has_been_ready = False
        self._is_pinged = False
        self.deadline = time.monotonic() + startup_timeout
        super().__init__(config, sockets)

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; runs in the worker process."""
        # A hangup of the terminal reaches all processes of its group; the parent handles it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        grace = (self.config.timeout_graceful_shutdown or 0) + _GRACE_SECONDS
        threading.Thread(target=_end_with_parent, args=(grace,), daemon=True).start()
        super().target(sockets)

    def is_healthy(self, timeout: float) -> bool:
        """Whether it runs and responds within ``timeout`` seconds, or may still be starting."""
        if not self.process.is_alive():
            return False
        if self.has_been_ready:
            return self.ping(timeout)
        self._ping_once()
        return self.has_been_ready or time.monotonic() < self.deadline

    def _ping_once(self) -> None:
        """Send a ping, unless an earlier one is still unanswered, and read the response."""
        with contextlib.suppress(OSError, EOFError):
            if not self._is_pinged:
                self.parent_conn.send(b"ping")
                self._is_pinged = True
            if self.parent_conn.poll(_CHECK_INTERVAL):
                self._is_pinged = False
                self.has_been_ready = bool(self.parent_conn.recv())

    def stop(self) -> None:
        """Let it finish its requests, and wait until it has ended."""
        self.terminate()
        self.wait_until_ended()

    def wait_until_ended(self) -> None:
        """Wait until it has ended; kill it if that takes too long."""
        self.process.join((self.config.timeout_graceful_shutdown or 0) + _GRACE_SECONDS)
        if self.process.is_alive():
            _log.warning("worker %s did not stop in time: killing it", self.pid)
            self.process.kill()
        self.process.join()


class Supervisor(Multiprocess):
    """Keeps workers running until SIGINT or SIGTERM, and replaces them on SIGHUP.

    Args:
        config: uvicorn's, for each worker.
        sockets: shared by the workers.
        startup_timeout: maximum seconds until a worker is ready.
        terminal: the terminal from which the service was started.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket.socket],
        startup_timeout: float,
        terminal: Terminal,
    ) -> None:
        super().__init__(config, sockets)
        self._startup_timeout = startup_timeout
        self._terminal = terminal
        self.workers: list[Worker] = []

    def init_processes(self) -> None:
        """Start the workers."""
        self.workers = [self._start() for _ in range(self.processes_num)]

    def terminate_all(self) -> None:
        """Make all workers finish their requests and stop."""
        for worker in self.workers:
            worker.terminate()

    def join_all(self) -> None:
        """Wait until all workers have ended."""
        for worker in self.workers:
            worker.wait_until_ended()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died, that hang, or that were not ready in time."""
        for index, worker in enumerate(self.workers):
            if self.should_exit.is_set():
                return
            if not worker.is_healthy(self.config.timeout_worker_healthcheck):
                self._replace(index)

    def restart_all(self) -> None:
        """Replace each worker once its successor is ready, so that no request waits.

        If a successor is not ready in time, it is killed, and the remaining workers stay.
        """
        _log.info("reloading: replacing %d workers one by one", len(self.workers))
        for index in range(len(self.workers)):
            successor = self._start()
            if not self._becomes_ready(successor):
                successor.process.kill()
                successor.process.join()
                if not self.should_exit.is_set():
                    _log.error(
                        "reload abandoned: a new worker failed, or was not ready within %g seconds "
                        "(BITRECALL_STARTUP_TIMEOUT); the old workers continue",
                        self._startup_timeout,
                    )
                return
            predecessor, self.workers[index] = self.workers[index], successor
            predecessor.stop()
        _log.info("reloaded: all workers were replaced")

    def handle_hup(self) -> None:
        """Reload; stop instead if the terminal of the service was closed."""
        if self._terminal.is_gone():
            self.should_exit.set()
        else:
            self.restart_all()

    def handle_ttin(self) -> None:
        """Start another worker."""
        self.workers.append(self._start())

    def handle_ttou(self) -> None:
        """Stop one worker, unless it is the last."""
        if len(self.workers) > 1:
            self.workers.pop().stop()

    def _start(self) -> Worker:
        worker = Worker(self.config, self.sockets, self._startup_timeout)
        worker.start()
        return worker

    def _replace(self, index: int) -> None:
        worker = self.workers[index]
        # A worker that hangs handles no other signal.
        worker.process.kill()
        worker.process.join()
        if worker.exitcode == STARTUP_FAILURE:
            # Its replacement would fail in the same way.
            _log.error("worker %s failed to start: stopping", worker.pid)
            self.should_exit.set()
            return
        _log.warning("worker %s died or hung: replacing it", worker.pid)
        self.workers[index] = self._start()

    def _becomes_ready(self, successor: Worker) -> bool:
        """Wait for a new worker, while watching the others and signals to stop."""
        while successor.is_healthy(self.config.timeout_worker_healthcheck):
            if successor.has_been_ready:
                return True
            if {signal.SIGINT, signal.SIGTERM} & set(self.signal_queue):
                self.should_exit.set()
            if self.should_exit.wait(_CHECK_INTERVAL):
                return False
            self.keep_subprocess_alive()
        return False


def _end_with_parent(grace: float) -> None:
    """End this worker when its parent process is gone, as after ``kill -9``.

    Otherwise it would keep the port, and no process would stop or replace it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    # This waits on a pipe that closes when the parent ends, however it ends.
    parent.join()
    with contextlib.suppress(OSError):
        _log.warning("the parent process is gone: stopping")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)
