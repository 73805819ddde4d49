"""Several worker processes, and the one that starts, watches, replaces and ends them."""

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

# Beyond the time that requests get to finish, until a worker that does not end is killed.
_MORE_TO_END: Final = 5.0
_LOOK_INTERVAL: Final = 0.1

_log = logging.getLogger(__name__)


class Worker(Process):
    """A process that serves, and ends when its parent does.

    Attributes:
        has_been_ready: whether it has said that it serves.
        deadline: when it has to be ready, on the monotonic clock.
    """

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], startup_timeout: float
    ) -> None:
        self.has_been_ready = False
        self._is_asked = False
        self.deadline = time.monotonic() + startup_timeout
        super().__init__(config, sockets)

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve: what runs in the process of the worker."""
        # A hangup of the terminal reaches all processes of its group; the parent acts on it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        grace = (self.config.timeout_graceful_shutdown or 0) + _MORE_TO_END
        threading.Thread(target=_end_with_parent, args=(grace,), daemon=True).start()
        super().target(sockets)

    def look(self, timeout: float) -> bool:
        """Whether it runs and answers within ``timeout`` seconds, or may still be starting."""
        if not self.process.is_alive():
            return False
        if self.has_been_ready:
            return self.ping(timeout)
        self._ask()
        return self.has_been_ready or time.monotonic() < self.deadline

    def _ask(self) -> None:
        """Ask whether it serves. A question that is not answered yet is not asked again."""
        with contextlib.suppress(OSError, EOFError):
            if not self._is_asked:
                self.parent_conn.send(b"ping")
                self._is_asked = True
            if self.parent_conn.poll(_LOOK_INTERVAL):
                self._is_asked = False
                self.has_been_ready = bool(self.parent_conn.recv())

    def end(self) -> None:
        """Have it finish its requests and end."""
        self.terminate()
        self.wait_until_ended()

    def wait_until_ended(self) -> None:
        """Wait for it to finish its requests; if it does not in time, it is killed."""
        self.process.join((self.config.timeout_graceful_shutdown or 0) + _MORE_TO_END)
        if self.process.is_alive():
            _log.warning("worker %s did not end in time and is killed", self.pid)
            self.process.kill()
        self.process.join()


class Supervisor(Multiprocess):
    """Keeps a number of workers running until SIGINT or SIGTERM, and replaces them on SIGHUP.

    Args:
        config: of uvicorn, the same for each worker.
        sockets: that they share.
        startup_timeout: seconds that a worker gets to be ready.
        terminal: from which the service was started.
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
        """Have all workers finish their requests at the same time."""
        for worker in self.workers:
            worker.terminate()

    def join_all(self) -> None:
        """Wait until all have ended."""
        for worker in self.workers:
            worker.wait_until_ended()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died, hang, or were not ready in time."""
        for place, worker in enumerate(self.workers):
            if self.should_exit.is_set():
                return
            if not worker.look(self.config.timeout_worker_healthcheck):
                self._replace(place)

    def restart_all(self) -> None:
        """Replace each worker once its successor is ready, so that no request waits.

        A successor that is not ready in time is given up, and the rest of the workers stay.
        """
        _log.info("reloading: replacing %d workers one after the other", len(self.workers))
        for place in range(len(self.workers)):
            successor = self._start()
            if not self._becomes_ready(successor):
                successor.process.kill()
                successor.process.join()
                if not self.should_exit.is_set():
                    _log.error(
                        "reload given up: a new worker was not ready within %g seconds "
                        "(BITRECALL_STARTUP_TIMEOUT), or failed; the workers before it go on",
                        self._startup_timeout,
                    )
                return
            before, self.workers[place] = self.workers[place], successor
            before.end()
        _log.info("reloaded: all workers are new")

    def handle_hup(self) -> None:
        """Reload, or stop when the terminal is gone from which the service was started."""
        if self._terminal.is_gone():
            self.should_exit.set()
        else:
            self.restart_all()

    def handle_ttin(self) -> None:
        """Start one worker more."""
        self.workers.append(self._start())

    def handle_ttou(self) -> None:
        """End one worker, unless it is the last."""
        if len(self.workers) > 1:
            self.workers.pop().end()

    def _start(self) -> Worker:
        worker = Worker(self.config, self.sockets, self._startup_timeout)
        worker.start()
        return worker

    def _replace(self, place: int) -> None:
        worker = self.workers[place]
        # One that hangs does not heed anything else.
        worker.process.kill()
        worker.process.join()
        if worker.exitcode == STARTUP_FAILURE:
            # The next one would fail in the same way.
            _log.error("worker %s failed to start: stopping", worker.pid)
            self.should_exit.set()
            return
        _log.warning("worker %s died or hung, and is replaced", worker.pid)
        self.workers[place] = self._start()

    def _becomes_ready(self, successor: Worker) -> bool:
        """Wait for a new worker, looking after the others and after signals to stop meanwhile."""
        while successor.look(self.config.timeout_worker_healthcheck):
            if successor.has_been_ready:
                return True
            if {signal.SIGINT, signal.SIGTERM} & set(self.signal_queue):
                self.should_exit.set()
            if self.should_exit.wait(_LOOK_INTERVAL):
                return False
            self.keep_subprocess_alive()
        return False


def _end_with_parent(grace: float) -> None:
    """End this worker when the process that started it is gone, as after ``kill -9``.

    Else it would hold the port, and nobody would end or replace it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    # A pipe from the parent: it ends with it, however it ends, on any system.
    parent.join()
    with contextlib.suppress(OSError):
        _log.warning("the parent process is gone: ending")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)
