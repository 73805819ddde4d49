"""Connecting to a database of events that others come to, too."""

import sqlite3
from typing import Any

import pytest

from bitrecall.events.sqlite_engine import enable_wal


class Cursor:
    """A cursor that fails so often, in some way, before it does what it is told."""

    def __init__(self, code: int, times: int) -> None:
        self.told: list[str] = []
        self._code, self._times = code, times

    def execute(self, statement: str) -> None:
        self.told.append(statement)
        if len(self.told) <= self._times:
            error: Any = sqlite3.OperationalError("it cannot")
            error.sqlite_errorcode = self._code
            raise error


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY])
def test_one_of_several_at_a_new_file_tries_again(code: int) -> None:
    cursor = Cursor(code, 3)
    enable_wal(cursor)
    assert cursor.told == ["PRAGMA journal_mode = WAL"] * 4


def test_what_waiting_does_not_mend_is_not_tried_again() -> None:
    cursor = Cursor(sqlite3.SQLITE_READONLY, 1)
    with pytest.raises(sqlite3.OperationalError):
        enable_wal(cursor)
    assert len(cursor.told) == 1
