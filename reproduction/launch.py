"""Starts a run's process, passes signals on to it and waits for its end."""

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
    """Run a job in a process of its own.

    SIGINT, SIGTERM and SIGHUP to this process are passed on, at which the child writes its
    checkpoint; a second one ends it at once.

    Args:
        job: what to run.
        threads: how many threads its libraries take; None leaves that to them.

    Returns:
        The child's exit code, negative where a signal ended it; INTERRUPTED where it was stopped
        through us.
    """
    environment = dict(os.environ)
    wait_briefly(environment)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    # A group of its own: Ctrl-C reaches it through us, once, and not from the terminal as well.
    with (
        subprocess.Popen(
            [sys.executable, "-P", "-m", "bitrecall.reproduction.worker"],
            stdin=subprocess.PIPE,
            env=environment,
            # Unbuffered: what a child that has gone left unread must not be written at the close.
            bufsize=0,
            process_group=0,
        ) as child,
        _passing_on_signals(child) as passed,
    ):
        # Our end of the pipe stays open: a child that reads its end stops, for we have gone.
        if child.stdin is not None:
            with suppress(BrokenPipeError):
                child.stdin.write(f"{job.to_json()}\n".encode())
        code = child.wait()
    return INTERRUPTED if passed and code != FINISHED else code


@contextmanager
def _passing_on_signals(child: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Give a list that fills with the signals passed on; one that we ignore stays ignored."""
    passed: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        passed.append(number)
        child.send_signal(_PASSED_ON[signal.Signals(number)])

    previous = {number: signal.getsignal(number) for number in _PASSED_ON}
    heeded = {number: old for number, old in previous.items() if old is not signal.SIG_IGN}
    for number in heeded:
        signal.signal(number, pass_on)
    try:
        yield passed
    finally:
        for number, old in heeded.items():
            signal.signal(number, old)
