"""Typed reading of untrusted JSON values, each error naming the field."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import ReleaseDamagedError


@dataclass(frozen=True)
class Checks:
    """Returns values as the types they must have; ReleaseDamagedError, naming `path`, if not."""

    path: Path

    def mapping(self, value: Any, name: str) -> dict[str, Any]:
        """Return an object."""
        if not isinstance(value, dict):
            raise self._wrong(name, "an object", value)
        return value

    def keys(self, value: dict[str, Any], names: Set[str], name: str) -> None:
        """Refuse a missing or an unknown key."""
        missing, unknown = names - value.keys(), value.keys() - names
        if missing:
            raise ReleaseDamagedError(f"{name} lacks {', '.join(sorted(missing))}", self.path)
        if unknown:
            raise ReleaseDamagedError(f"{name} has unknown {', '.join(sorted(unknown))}", self.path)

    def text(self, value: Any, name: str) -> str:
        """Return a string."""
        if not isinstance(value, str):
            raise self._wrong(name, "a text", value)
        return value

    def optional_text(self, value: Any, name: str) -> str | None:
        """Return a string or None."""
        return None if value is None else self.text(value, name)

    def whole(self, value: Any, name: str) -> int:
        """Return a whole number that is not negative."""
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(name, "a whole number, not negative", value)
        return value

    def optional_share(self, value: Any, name: str) -> float | None:
        """Return a number from 0 to 1, or None."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self._wrong(name, "a number from 0 to 1", value)
        return float(value)

    def shape(self, value: Any, name: str) -> tuple[int, ...]:
        """Return a list of whole numbers as a tuple."""
        if not isinstance(value, list):
            raise self._wrong(name, "a list of whole numbers", value)
        return tuple(self.whole(length, name) for length in value)

    def texts(self, value: Any, name: str) -> tuple[str, ...]:
        """Return a list of strings as a tuple."""
        if not isinstance(value, list):
            raise self._wrong(name, "a list of texts", value)
        return tuple(self.text(text, name) for text in value)

    def _wrong(self, name: str, wanted: str, value: Any) -> ReleaseDamagedError:
        return ReleaseDamagedError(f"{name} must be {wanted}, not {value!r:.80}", self.path)
