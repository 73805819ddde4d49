import math
from datetime import UTC, datetime
from typing import Any

import pytest

from bitrecall.events.event import FORGET, HIDE
from bitrecall.events.rules import EARLIEST, event_fault, id_fault, time_fault

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0.0, None),
        (-1.0, None),
        (EARLIEST, None),
        (math.nextafter(EARLIEST, -math.inf), "before 1900"),
        (datetime(1, 1, 1, tzinfo=UTC).timestamp() - 14 * 3600, "before 1900"),
        (NOW, None),
        (NOW + 86_399, None),
        (NOW + 86_400, "more than a day in the future"),
        (NOW * 1000, "more than a day in the future"),
        (2**63, "more than a day in the future"),
        (math.inf, "more than a day in the future"),
        (-math.inf, "before 1900"),
        (math.nan, "not a number"),
        (None, "not a number"),
        ("2026-11-28", "not a number"),
        (b"\0", "not a number"),
        (True, "not a number"),
    ],
)
def test_accepts_times_from_1900_to_a_day_ahead(at: Any, expected: str | None) -> None:
    fault = time_fault(at, NOW)
    assert fault is None if expected is None else expected in (fault or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17", None),
        (" ", None),
        ("Ωμέγα 🛶", None),
        ("x" * 1000, None),
        ("x" * 1001, "longer than 1,000"),
        ("", "empty"),
        ("a\0b", "U+0000"),
        ("a\ud800b", "not valid Unicode"),
        (b"17", "not text"),
        (17, "not text"),
        (None, "not text"),
    ],
)
def test_accepts_ids_that_every_database_can_store(text: Any, expected: str | None) -> None:
    fault = id_fault(text)
    assert fault is None if expected is None else expected in (fault or "")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (("u", "i", "view", NOW), None),
        (("", "i", "view", NOW), "the user id is empty"),
        (("u", "", "view", NOW), "the item id is empty"),
        (("u", "i", "View!", NOW), "the type"),
        (("u", "i", "view\n", NOW), "the type"),
        (("u", "i", b"view", NOW), "the type"),
        (("u", "i", "view", math.inf), "the time"),
        (("u", "i", HIDE, math.inf), None),
        (("u", "", HIDE, NOW), "the item id is empty"),
        (("u", "", FORGET, None), None),
        (("", "", FORGET, NOW), "the user id is empty"),
        (("u" * 1001, "i", "view", NOW), "the user id is longer than 1,000"),
        # A user of a file, whose id may be longer, can be forgotten too.
        (("u" * 1001, "", FORGET, NOW), None),
    ],
)
def test_checks_only_the_used_fields_of_an_event(event: Any, expected: str | None) -> None:
    fault = event_fault(*event, NOW)  # type: ignore[call-arg]
    assert fault is None if expected is None else expected in (fault or "")
