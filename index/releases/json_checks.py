"""Typed reading of untrusted JSON values, with errors that name the field."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bitrecall.index.errors import ReleaseDamagedError

RELEASE_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
"""The UTC time of writing, to the second, and eight hex digits of the content hash."""


@dataclass(frozen=True)
class Checks:
    """Checks the types of values. Methods raise ReleaseDamagedError with ``path``."""

    path: Path

    def mapping(self, value: Any, name: str) -> dict[str, Any]:
        """Return an object."""
        if not isinstance(value, dict):
            raise self._error(name, "an object", value)
        return value

    def keys(self, value: dict[str, Any], names: Set[str], name: str) -> None:
        """Check that no key is missing or unknown."""
        missing, unknown = names - value.keys(), value.keys() - names
        if missing:
            raise ReleaseDamagedError(f"{name} lacks {', '.join(sorted(missing))}", self.path)
        if unknown:
            raise ReleaseDamagedError(f"{name} has unknown {', '.join(sorted(unknown))}", self.path)

    def text(self, value: Any, name: str) -> str:
        """Return a string."""
        if not isinstance(value, str):
            raise self._error(name, "a text", value)
        return value

    def optional_text(self, value: Any, name: str) -> str | None:
        """Return a string or None."""
        return None if value is None else self.text(value, name)

    def integer(self, value: Any, name: str) -> int:
        """Return a whole number from 0 to 2^63 - 1, the range of an int64 and of a database."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            raise self._error(name, "a whole number from 0 to 2^63 - 1", value)
        return value

    def optional_share(self, value: Any, name: str) -> float | None:
        """Return a number from 0 to 1, or None."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self._error(name, "a number from 0 to 1", value)
        return float(value)

    def shape(self, value: Any, name: str) -> tuple[int, ...]:
        """Return a list of whole numbers as a tuple."""
        if not isinstance(value, list):
            raise self._error(name, "a list of whole numbers", value)
        return tuple(self.integer(length, name) for length in value)

    def instant(self, value: Any, name: str) -> str:
        """Return a time as text: ISO 8601 in UTC, with ``Z`` at the end."""
        text = self.text(value, name)
        try:
            valid = text.endswith("Z") and bool(datetime.fromisoformat(text))
        except ValueError:
            valid = False
        if not valid:
            raise self._error(name, "an ISO 8601 time in UTC, such as 2026-01-31T00:00:00Z", value)
        return text

    def optional_instant(self, value: Any, name: str) -> str | None:
        """Return a time, as ``instant`` does, or None."""
        return None if value is None else self.instant(value, name)

    def in_order(self, first: str, last: str, name: str) -> None:
        """Check that two times are in order."""
        if datetime.fromisoformat(first) > datetime.fromisoformat(last):
            raise self._error(name, "in order", [first, last])

    def release_id(self, value: Any, name: str) -> str:
        """Return the id of a release."""
        text = self.text(value, name)
        if RELEASE_ID.fullmatch(text) is None:
            raise self._error(name, "a release id, such as 20261123T174500Z-3fa94c1b", value)
        return text

    def optional_release_id(self, value: Any, name: str) -> str | None:
        """Return the id of a release, or None."""
        return None if value is None else self.release_id(value, name)

    def digest(self, value: Any, name: str) -> str:
        """Return a sha256 in hexadecimal."""
        text = self.text(value, name)
        if re.fullmatch("[0-9a-f]{64}", text) is None:
            raise self._error(name, "a sha256 of 64 hexadecimal digits", value)
        return text

    def metrics(self, value: Any, name: str) -> dict[str, float | int | str]:
        """Return numbers and texts by name. NaN and infinity were rejected by the JSON parser."""
        metrics = self.mapping(value, name)
        for key, metric in metrics.items():
            is_valid = isinstance(metric, float | str) or (
                isinstance(metric, int) and abs(metric) < 2**63
            )
            if isinstance(metric, bool) or not is_valid:
                raise self._error(f"{name}.{key}", "a 64-bit number or a text", metric)
        return metrics

    def texts(self, value: Any, name: str) -> tuple[str, ...]:
        """Return a list of strings as a tuple."""
        if not isinstance(value, list):
            raise self._error(name, "a list of texts", value)
        return tuple(self.text(text, name) for text in value)

    def _error(self, name: str, expected: str, value: Any) -> ReleaseDamagedError:
        return ReleaseDamagedError(f"{name} must be {expected}, not {value!r:.80}", self.path)
