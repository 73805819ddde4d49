"""When the next night is, and whether the last one was missed."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

from bitrecall.scheduler.errors import ScheduleError


def daily(at: str, timezone: str) -> CronTrigger:
    """Every day at a time of day.

    Where clocks are put forward over it, that day's is an hour later by the clock; where they are
    put back, it comes twice, and the second finds nothing new.

    Args:
        at: HH:MM.
        timezone: a name of the IANA's data base.

    Raises:
        ScheduleError: there is no such time zone.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleError(
            f"there is no time zone {timezone!r}: want one as UTC or Asia/Tokyo"
        ) from error
    hour, minute = at.split(":")
    return CronTrigger(hour=int(hour), minute=int(minute), timezone=zone)


def is_missed(trigger: CronTrigger, last: datetime | None, now: datetime) -> bool:
    """Whether a time has come and gone since the last night was started.

    Args:
        trigger: when nights are.
        last: when the last one was started; None where there never was one, which counts.
        now: the moment.
    """
    if last is None:
        return True
    due: datetime | None = trigger.get_next_fire_time(last, last)
    return due is not None and due <= now
