"""Run a job in a separate process, which isolates its peak memory and its crashes.

``python -m bitrecall.reproduction.worker`` reads a job, one line of JSON, from stdin. Stdin must
stay open: its end means that the parent has died, and stops the training like SIGTERM.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bitrecall.disk import replace_file
from bitrecall.errors import BitrecallError
from bitrecall.reproduction.job import (
    BUSY,
    FAILED,
    FINISHED,
    INTERRUPTED,
    Job,
    data_fingerprint,
    write_rows,
)
from bitrecall.reproduction.machine import machine
from bitrecall.reproduction.measures import measure
from bitrecall.reproduction.run_history import SESSION_ENDED, SESSION_STARTED, history, rounded
from bitrecall.reproduction.trial import Measurement, Trial
from bitrecall.training.data.load import load_dataset
from bitrecall.training.errors import InterruptedTraining
from bitrecall.training.recipe.recipe_file import parse_recipe
from bitrecall.training.runtime.allocator import keep_freed_memory
from bitrecall.training.runtime.peak_memory import peak_rss_mib
from bitrecall.training.runtime.training_log import TrainingLog

_LOG = "log.jsonl"


def run_job(job: Job) -> int:
    """Run or resume a job, and write its rows to its folder.

    Returns:
        The exit code: FINISHED, INTERRUPTED, BUSY if another process is running it, or FAILED
        after an error, which is printed on stderr.
    """
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(folder):
            if job.again:
                _clear(folder)
            _run(job, folder)
    except BlockingIOError:
        return BUSY
    except (InterruptedTraining, KeyboardInterrupt) as stopped:
        _say(str(stopped) or "interrupted")
        return INTERRUPTED
    except BitrecallError as error:
        _say(f"error: {error}")
        return FAILED
    return FINISHED


def _run(job: Job, folder: Path) -> None:
    recipe = parse_recipe(job.recipe, job.part)
    replace_file(folder / "recipe.json", json.dumps(job.recipe, indent=1) + "\n")
    log = TrainingLog(folder / _LOG)
    log.write(SESSION_STARTED)
    started = time.monotonic()
    try:
        dataset = load_dataset(job.data)
        outcomes = measure(job.measure, Trial(dataset, recipe, folder, job.progress_bar))
    finally:
        seconds = time.monotonic() - started
        log.write(SESSION_ENDED, seconds=round(seconds, 2), peak_rss_mib=peak_rss_mib())
    common = {
        **job.row,
        "measure": job.measure,
        "similarity": recipe.similarity,
        "recipe_sha256": recipe.sha256(),
        "recipe": recipe.model_dump(mode="json"),
        "data_sha256": data_fingerprint(dataset),
        "machine": machine(),
        **history(folder / _LOG),
    }
    write_rows(folder, [_row(common, outcome) for outcome in outcomes])
    for checkpoint in folder.glob("*.npz"):
        checkpoint.unlink()


def _row(common: dict[str, Any], outcome: Measurement) -> dict[str, Any]:
    optional = {"variant": outcome.variant, "similarity": outcome.similarity}
    return {
        **common,
        **{key: value for key, value in optional.items() if value is not None},
        "epochs": outcome.epochs,
        "users": outcome.users,
        "metrics": rounded(outcome.metrics),
        "curve": common["curve"],
    }


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder; the kernel releases the lock if the process dies.

    Raises:
        BlockingIOError: another process has the lock.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _stop_with_the_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Run the job on stdin; return the exit code."""
    job = Job.from_json(sys.stdin.readline())
    # Not through sys.stdin: a thread that waits in it would never release its lock.
    threading.Thread(target=_stop_with_the_parent, daemon=True).start()
    keep_freed_memory()
    return run_job(job)


if __name__ == "__main__":
    sys.exit(main())
