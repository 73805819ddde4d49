from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bitrecall.scheduler.errors import ScheduleError
from bitrecall.scheduler.schedule import daily, is_missed

BERLIN = ZoneInfo("Europe/Berlin")


def next_after(at: str, now: datetime) -> datetime:
    start: datetime = daily(at, "Europe/Berlin").get_next_fire_time(None, now)
    return start


def test_the_time_of_day_is_local() -> None:
    summer = next_after("03:00", datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert summer.astimezone(UTC) == datetime(2026, 7, 2, 1, tzinfo=UTC)
    winter = next_after("03:00", datetime(2026, 12, 1, 0, tzinfo=UTC))
    assert winter.astimezone(UTC) == datetime(2026, 12, 1, 2, tzinfo=UTC)


def test_runs_every_day_despite_clock_changes() -> None:
    # On 2026-03-29 02:30 does not exist in Berlin, and on 2026-10-25 it exists twice.
    for day in (datetime(2026, 3, 27, 12), datetime(2026, 10, 23, 12)):
        trigger = daily("02:30", "Europe/Berlin")
        last_run = day.replace(tzinfo=BERLIN)
        dates = set()
        for _ in range(5):
            now = last_run.astimezone(UTC) + timedelta(seconds=1)
            last_run = trigger.get_next_fire_time(last_run, now)
            dates.add(last_run.astimezone(BERLIN).date())
        assert {(day + timedelta(days=n)).date() for n in range(1, 5)} <= dates


def test_a_run_is_missed_after_its_scheduled_time() -> None:
    trigger = daily("03:00", "UTC")
    last = datetime(2026, 11, 25, 3, 0, 1, tzinfo=UTC)
    assert not is_missed(trigger, last, datetime(2026, 11, 25, 23, tzinfo=UTC))
    assert not is_missed(trigger, last, datetime(2026, 11, 26, 2, 59, tzinfo=UTC))
    assert is_missed(trigger, last, datetime(2026, 11, 26, 3, 0, tzinfo=UTC))
    assert is_missed(trigger, last, datetime(2026, 12, 24, tzinfo=UTC))
    assert is_missed(trigger, None, datetime(2026, 11, 25, tzinfo=UTC))


def test_no_run_is_missed_after_the_clock_was_set_back() -> None:
    last = datetime(2026, 11, 26, 3, 0, 1, tzinfo=UTC)
    assert not is_missed(daily("03:00", "UTC"), last, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd"])
def test_rejects_an_unknown_time_zone(name: str) -> None:
    with pytest.raises(ScheduleError, match="unknown time zone"):
        daily("03:00", name)
