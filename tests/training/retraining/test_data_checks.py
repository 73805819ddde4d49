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


def named(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> RetrainingSettings:
    return RetrainingSettings()


def test_a_usual_run_passes(publish, event, settings) -> None:
    parent = publish(LONG_TAIL)
    events = [event(f"u{user}", f"i{20 - user:02}") for user in range(1, 20)]
    data = collect(parent, None, [*events, event("stranger", "i00"), event("u0", "i00")])
    past = [PastRun(20, None), PastRun(30, None), PastRun(15, None)]
    # In so small a catalogue a user's other items are the less popular ones.
    settings = settings.model_copy(update={"max_drift": 1.5})
    checks = named(check_data(data, parent, past, settings))
    assert all(check.passed for check in checks.values()), checks
    assert list(checks) == [
        *("volume", "bots", "repeats", "growth"),
        *("unknown users", "unknown items", "one item", "popularity"),
    ]
    assert checks["unknown users"].found == pytest.approx(1 / 21)
    assert checks["repeats"].found == pytest.approx(1 / 21)


@pytest.mark.parametrize(
    ("name", "change", "bound", "says"),
    [
        ("repeats", {"max_repeated": 0.5}, 0.5, "4 of 7 events repeat"),
        ("growth", {"max_growth": 0.01}, 0.01, "3 new pairs added to 210"),
        ("unknown users", {"max_unknown_users": 0.1}, 0.1, "1 of 7 events are by users"),
        ("unknown items", {"max_unknown_items": 0.2}, 0.2, "2 of 7 events are of items"),
        ("one item", {"max_item_share": 0.3}, 0.3, "item 'new' has 2 of 3 new pairs"),
    ],
)
def test_values_beyond_a_threshold_are_reported(
    publish, event, settings, name, change, bound, says
) -> None:
    parent = publish(LONG_TAIL)
    events = [
        *(event("u3", item) for item in ("i00", "i01", "i01", "i02", "new", "i19")),
        event("stranger", "new"),
    ]
    data = collect(parent, None, events)
    lenient = settings.model_copy(update={"max_item_share": 1.0})
    assert named(check_data(data, parent, [], lenient))[name].passed
    strict = settings.model_copy(update=change)
    check = named(check_data(data, parent, [], strict))[name]
    assert (check.passed, check.bound) == (False, bound)
    assert says in check.says
    assert check.setting in change


def test_a_flooding_user_is_named_and_fails_no_check(publish, event, settings) -> None:
    parent = publish(LONG_TAIL)
    flood = [event("bot", f"junk {n}") for n in range(300)]
    usual = [event(f"u{user}", f"i{20 - user:02}") for user in range(1, 20)]
    limit = settings.model_copy(update={"max_user_events": 100, "max_drift": 1.5})
    past = [PastRun(20, None)] * 3
    data = collect(parent, None, [*flood, *usual], max_user_events=100)
    checks = named(check_data(data, parent, past, limit))
    assert all(check.passed for check in checks.values()), checks
    assert (
        "user 'bot' sent 300 events, the most of all users; 1 users sent more"
        in checks["bots"].says
    )
    assert "300 of their events were left out" in checks["bots"].says
    # Of so many it would not be borne.
    data = collect(parent, None, [*flood, *usual])
    assert not named(check_data(data, parent, past, limit))["unknown items"].passed


def test_a_log_read_from_the_start_is_not_compared_with_other_runs(
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
        checks = named(check_data(data, parent, past, settings))
        assert [name in checks for name in ("volume", "repeats")] == [expected] * 2


@pytest.mark.parametrize(("read", "passed"), [(1, False), (2, True), (200, True), (201, False)])
def test_far_more_or_fewer_events_than_usual_fail(publish, event, settings, read, passed) -> None:
    past = [PastRun(count, None) for count in (1, 20, 1000)]
    settings = settings.model_copy(update={"usual_events": 10.0})
    data = collect(None, None, [event("a", "x") for _ in range(read)])
    assert named(check_data(data, None, past, settings))["volume"].passed is passed
    assert "volume" not in named(check_data(data, None, past[1:], settings))


def test_files_that_lost_their_half_are_noticed(publish, settings) -> None:
    data = collect(publish(LONG_TAIL), None, [])
    for pairs, passed in ((89, False), (90, True), (300, True)):
        now = dataclasses.replace(data, from_files=pairs)
        checks = named(check_data(now, None, [PastRun(5, 100), PastRun(5, None)], settings))
        assert checks["files"].passed is passed
    now = dataclasses.replace(data, from_files=1)
    assert "files" not in named(check_data(now, None, [PastRun(5, None)], settings))
    assert "files" not in named(check_data(data, None, [PastRun(5, 100)], settings))


def test_a_table_of_items_that_lost_its_half_is_noticed(settings) -> None:
    assert check_attributes(90, 100, settings).passed
    assert not check_attributes(50, 100, settings).passed
    assert check_attributes(0, 0, settings).passed
