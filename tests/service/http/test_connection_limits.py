import resource

import pytest

from bitrecall.service.http.connection_limits import (
    RESERVED_DESCRIPTORS,
    ConnectionLimits,
    connection_limit,
)
from bitrecall.service.settings import Settings


@pytest.fixture
def descriptors(monkeypatch: pytest.MonkeyPatch):
    """Sets the limit of open files that the process reads."""

    def set_limit(soft: int) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, soft))

    return set_limit


@pytest.mark.parametrize(
    ("soft", "setting", "expected"),
    [
        (65_536, None, 1000),
        (65_536, 5000, 5000),
        (1024, None, 1024 - RESERVED_DESCRIPTORS),
        (1024, 5000, 1024 - RESERVED_DESCRIPTORS),
        (1024, 7, 7),
        (128, None, 32),
        (40, None, 5),
        (resource.RLIM_INFINITY, None, 1000),
    ],
)
def test_leaves_descriptors_for_files(descriptors, soft, setting, expected) -> None:
    descriptors(soft)
    assert connection_limit(setting) == expected


def test_each_limit_is_a_setting() -> None:
    settings = Settings(
        max_connections=9,
        max_head_bytes=2000,
        max_headers=20,
        head_timeout=3,
        body_timeout=4,
        answer_timeout=5,
        max_buffered_bytes=2**21,
    )
    assert ConnectionLimits.of(settings) == ConnectionLimits(9, 2000, 20, 3.0, 4.0, 5.0, 2**21)
