"""The limit on the size of a batch, apart from the losses so that recipes need no torch."""

from __future__ import annotations

from typing import Final

MAX_BINS: Final = 2**23
"""Maximum of users per batch times (bits + 1): a float32 represents bin numbers, and their halves,
exactly up to here."""
