import dataclasses

import pytest

from bitrecall.events.position import ReadingStart
from bitrecall.training.retraining.collect import collect
from bitrecall.training.retraining.data_checks import (
    Check,
    PastRun,
    check_attributes,
    check_data,
)
from bitrecall.training.retraining.settings import RetrainingSettings

# Item 0 has 20 users, item 1 has 19, and so on.
LONG_TAIL = {f"u{user}": [f"i{item:02}" for item in range(20 - user)] for user in range(20)}


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> RetrainingSettings:
    return RetrainingSettings()


def test_a_normal_run_passes_all_checks(publish, event, settings) -> None:
    parent = publish(LONG_TAIL)
    events = [event(f"u{user}", f"i{20 - user:02}") for user in range(1, 20)]
    data = collect(parent, None, [*events, event("stranger", "i00"), event("u0", "i00")])
    past = [PastRun(20, None), PastRun(30, None), PastRun(15, None)]
    # In such a small catalogue, the items that a user lacks are less popular.
    settings = settings.model_copy(update={"max_drift": 1.5})
    checks = by_name(check_data(data, parent, past, settings))
    assert all(check.passed for check in checks.values()), checks
    assert list(checks) == [
        *("volume", "bots", "repeats", "growth"),
        *("unknown users", "unknown items", "one item", "popularity"),
    ]
    assert checks["unknown users"].found == pytest.approx(1 / 21)
    assert checks["repeats"].found == pytest.approx(1 / 21)


@pytest.mark.parametrize(
    ("name", "change", "bound", "message"),
    [
        ("repeats", {"max_repeated": 0.5}, 0.5, "4 of 7 events repeat"),
        ("growth", {"max_growth": 0.01}, 0.01, "3 new pairs added to 210"),
        ("unknown users", {"max_unknown_users": 0.1}, 0.1, "1 of 7 events are by users"),
        ("unknown items", {"max_unknown_items": 0.2}, 0.2, "2 of 7 events are of items"),
        ("one item", {"max_item_share": 0.3}, 0.3, "item 'new' has 2 of 3 new pairs"),
    ],
)
def test_values_beyond_a_threshold_are_reported(
    publish, event, settings, name, change, bound, message
) -> None:
    parent = publish(LONG_TAIL)
    events = [
        *(event("u3", item) for item in ("i00", "i01", "i01", "i02", "new", "i19")),
        event("stranger", "new"),
    ]
    data = collect(parent, None, events)
    lenient = settings.model_copy(update={"max_item_share": 1.0})
    assert by_name(check_data(data, parent, [], lenient))[name].passed
    strict = settings.model_copy(update=change)
    check = by_name(check_data(data, parent, [], strict))[name]
    assert (check.passed, check.bound) == (False, bound)
    assert message in check.says
    assert check.setting in change


def test_names_a_flooding_user_without_failing_a_check(publish, event, settings) -> None:
    parent = publish(LONG_TAIL)
    flood = [event("bot", f"junk {n}") for n in range(300)]
    usual = [event(f"u{user}", f"i{20 - user:02}") for user in range(1, 20)]
    limit = settings.model_copy(update={"max_user_events": 100, "max_drift": 1.5})
    past = [PastRun(20, None)] * 3
    data = collect(parent, None, [*flood, *usual], max_user_events=100)
    checks = by_name(check_data(data, parent, past, limit))
    assert all(check.passed for check in checks.values()), checks
    assert (
        "user 'bot' sent 300 events, the most of all users; 1 users sent more"
        in checks["bots"].says
    )
    assert "300 of their events were left out" in checks["bots"].says
    # Without the limit, the check fails.
    data = collect(parent, None, [*flood, *usual])
    assert not by_name(check_data(data, parent, past, limit))["unknown items"].passed


def test_does_not_compare_a_log_read_from_the_start_with_other_runs(
    publish, event, settings
) -> None:
    parent = publish(LONG_TAIL)
    events = [event("u3", "i00") for _ in range(300)]
    past = [PastRun(2, None)] * 3
    for start, expected in (
        (ReadingStart("log", 0, "it is another database"), False),
        (None, True),
    ):
        data = collect(parent, None, events, start=start)
        checks = by_name(check_data(data, parent, past, settings))
        assert [name in checks for name in ("volume", "repeats")] == [expected] * 2


@pytest.mark.parametrize(("read", "passed"), [(1, False), (2, True), (200, True), (201, False)])
def test_far_more_or_fewer_events_than_in_past_runs_fail(
    publish, event, settings, read, passed
) -> None:
    past = [PastRun(count, None) for count in (1, 20, 1000)]
    settings = settings.model_copy(update={"usual_events": 10.0})
    data = collect(None, None, [event("a", "x") for _ in range(read)])
    assert by_name(check_data(data, None, past, settings))["volume"].passed is passed
    assert "volume" not in by_name(check_data(data, None, past[1:], settings))


def test_detects_files_that_lost_many_pairs(publish, settings) -> None:
    data = collect(publish(LONG_TAIL), None, [])
    for pairs, passed in ((89, False), (90, True), (300, True)):
        now = dataclasses.replace(data, from_files=pairs)
        checks = by_name(check_data(now, None, [PastRun(5, 100), PastRun(5, None)], settings))
        assert checks["files"].passed is passed
    now = dataclasses.replace(data, from_files=1)
    assert "files" not in by_name(check_data(now, None, [PastRun(5, None)], settings))
    assert "files" not in by_name(check_data(data, None, [PastRun(5, 100)], settings))


def test_detects_an_item_table_that_lost_many_items(settings) -> None:
    assert check_attributes(90, 100, settings).passed
    assert not check_attributes(50, 100, settings).passed
    assert check_attributes(0, 0, settings).passed
