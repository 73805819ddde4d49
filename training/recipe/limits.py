"""Bounds that a recipe is checked against before torch is imported."""

from __future__ import annotations

from typing import Final

MAX_BINS: Final = 2**23
"""Users of a batch times (bits + 1): up to here a float32 holds a bin's number, and its halves,
exactly."""
