"""The daily schedule, and whether its last time was missed."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

from bitrecall.scheduler.errors import ScheduleError


def daily(at: str, timezone: str) -> CronTrigger:
    """Daily at a time of day.

    If clocks skip the time, the run of that day is an hour later; if clocks repeat it, there are
    two runs, and the second has no new data.

    Args:
        at: HH:MM.
        timezone: a name in the IANA time zone database.

    Raises:
        ScheduleError: the time zone is unknown.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleError(
            f"unknown time zone {timezone!r}: expected a name such as UTC or Asia/Tokyo"
        ) from error
    hour, minute = at.split(":")
    return CronTrigger(hour=int(hour), minute=int(minute), timezone=zone)


def is_missed(trigger: CronTrigger, last: datetime | None, now: datetime) -> bool:
    """Whether a scheduled time has passed since the last run started.

    Args:
        trigger: the schedule.
        last: start of the last run; None, without any, counts as missed.
        now: the current time.
    """
    if last is None:
        return True
    due: datetime | None = trigger.get_next_fire_time(last, last)
    return due is not None and due <= now
