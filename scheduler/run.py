"""The scheduler process: waits for the next run, and stops on signals."""

import logging
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.scheduler.errors import ScheduleError
from bitrecall.scheduler.metrics import Metrics
from bitrecall.scheduler.retrain_process import RetrainProcess
from bitrecall.scheduler.schedule import daily, is_missed
from bitrecall.scheduler.settings import SchedulerSettings

# Waits use the monotonic clock, times of day the system clock: comparing them at this interval
# limits the delay after the system clock was set.
_LOOK_SECONDS = 30

_log = logging.getLogger(__name__)


def retrain_command(arguments: Sequence[str], releases: Path) -> list[str]:
    """The command of a retraining run."""
    return [
        *(sys.executable, "-P", "-m", "bitrecall", "retrain", "--releases", str(releases)),
        *("--no-progress", *arguments),
    ]


def run(settings: SchedulerSettings, releases: Path, command: Sequence[str]) -> None:
    """Schedule runs until SIGTERM or SIGINT; a run in progress then writes a checkpoint first.

    Args:
        settings: the schedule.
        releases: folder of the release store.
        command: the command of a run.

    Raises:
        ScheduleError: the time zone is unknown, or the port for Prometheus cannot be used.
    """
    trigger = daily(settings.at, settings.timezone)
    metrics = Metrics(releases)
    process = RetrainProcess(command, metrics, settings.retries, 60 * settings.retry_minutes)
    scheduler = BackgroundScheduler(timezone=UTC)
    # A late run still starts, and several missed ones start one.
    job = scheduler.add_job(
        process.run,
        trigger,
        id="retraining",
        coalesce=True,
        misfire_grace_time=None,
        max_instances=1,
    )

    def look() -> None:
        if job.next_run_time is not None:
            metrics.due(job.next_run_time.timestamp())

    scheduler.add_job(look, IntervalTrigger(seconds=_LOOK_SECONDS), next_run_time=datetime.now(UTC))
    if settings.catch_up and is_missed(trigger, _last_started(releases), datetime.now(UTC)):
        _log.info("the last run was missed, or there was none; starting one now")
        scheduler.add_job(process.run, id="missed", misfire_grace_time=None)

    stopping = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        _log.info("stopping: %s", signal.Signals(number).name)
        stopping.set()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    server = None
    try:
        if settings.metrics_port is not None:
            server = metrics.serve(settings.metrics_host, settings.metrics_port)
        scheduler.start()
        _log.info("retraining is scheduled daily at %s, %s", settings.at, settings.timezone)
        stopping.wait()
        process.stop()
        scheduler.shutdown()
    except OSError as error:
        raise ScheduleError(
            f"cannot listen on {settings.metrics_host}:{settings.metrics_port}: {error.strerror}"
        ) from error
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if server is not None:
            server.shutdown()
            server.server_close()


def _last_started(releases: Path) -> datetime | None:
    status = RetrainingStatus.read(releases)
    try:
        return None if status is None else datetime.fromisoformat(status.started)
    except ValueError:
        return None
