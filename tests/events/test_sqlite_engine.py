"""Connecting to an SQLite file that other processes open at the same time."""

import sqlite3
from typing import Any

import pytest

from bitrecall.events.sqlite_engine import enable_wal


class Cursor:
    """A cursor whose first executions fail with an error code."""

    def __init__(self, code: int, times: int) -> None:
        self.statements: list[str] = []
        self._code, self._times = code, times

    def execute(self, statement: str) -> None:
        self.statements.append(statement)
        if len(self.statements) <= self._times:
            error: Any = sqlite3.OperationalError("it failed")
            error.sqlite_errorcode = self._code
            raise error


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY])
def test_retries_if_another_process_has_locked_the_file(code: int) -> None:
    cursor = Cursor(code, 3)
    enable_wal(cursor)
    assert cursor.statements == ["PRAGMA journal_mode = WAL"] * 4


def test_does_not_retry_permanent_errors() -> None:
    cursor = Cursor(sqlite3.SQLITE_READONLY, 1)
    with pytest.raises(sqlite3.OperationalError):
        enable_wal(cursor)
    assert len(cursor.statements) == 1
