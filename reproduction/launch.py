"""Start the worker process of a run, forward signals to it and wait until it exits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from bitrecall.reproduction.job import FINISHED, INTERRUPTED, Job
from bitrecall.training.runtime.openmp import wait_briefly

_PASSED_ON = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,
}


def launch(job: Job, threads: int | None = None) -> int:
    """Run a job in a separate process.

    Forwards SIGINT, SIGTERM and SIGHUP to the child. The child writes its checkpoint and stops; a
    second signal stops it immediately.

    Args:
        job: the job.
        threads: number of threads of its libraries; None for their defaults.

    Returns:
        The exit code of the child, negative if a signal killed it; INTERRUPTED if a forwarded
        signal stopped it.
    """
    environment = dict(os.environ)
    wait_briefly(environment)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    # A separate process group: the child gets Ctrl-C once, from us, and not from the terminal too.
    with (
        subprocess.Popen(
            [sys.executable, "-P", "-m", "bitrecall.reproduction.worker"],
            stdin=subprocess.PIPE,
            env=environment,
            # Unbuffered: closing must not write to the pipe of a child that has exited.
            bufsize=0,
            process_group=0,
        ) as child,
        _passing_on_signals(child) as passed,
    ):
        # Our end of the pipe stays open: at end of file the child stops, as its parent has died.
        if child.stdin is not None:
            with suppress(BrokenPipeError):
                child.stdin.write(f"{job.to_json()}\n".encode())
        code = child.wait()
    return INTERRUPTED if passed and code != FINISHED else code


@contextmanager
def _passing_on_signals(child: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Forward signals, and yield the list of those forwarded; ignored signals stay ignored."""
    passed: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        passed.append(number)
        child.send_signal(_PASSED_ON[signal.Signals(number)])

    previous = {number: signal.getsignal(number) for number in _PASSED_ON}
    handled = {number: old for number, old in previous.items() if old is not signal.SIG_IGN}
    for number in handled:
        signal.signal(number, pass_on)
    try:
        yield passed
    finally:
        for number, old in handled.items():
            signal.signal(number, old)
