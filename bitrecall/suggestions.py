"""Suggest a known name for a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'gowalla'?`` with a similar known name, or an empty string.

    Args:
        name: the misspelt name.
        known: the known names.
    """
    by_lower = {known_name.lower(): known_name for known_name in known}
    close = get_close_matches(name.lower()[:200], list(by_lower), n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""
