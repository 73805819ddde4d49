"""Parse numbers in text."""

from __future__ import annotations

import math

__all__ = ["parse_finite_number", "parse_number"]


def parse_number(text: str) -> float | None:
    """Parse a number, infinite and NaN included; None for any other text."""
    # float() also accepts 1_000 and digits of other scripts, which are not numbers here.
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        return None


def parse_finite_number(text: str) -> float | None:
    """Parse a finite number; None for any other text."""
    number = parse_number(text)
    return number if number is not None and math.isfinite(number) else None
