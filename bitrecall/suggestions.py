"""What people who misspelt a name probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'gowalla'?`` for a name like a known one, else nothing.

    Args:
        name: as it was written.
        known: what there is.
    """
    by_lower = {one.lower(): one for one in known}
    close = get_close_matches(name.lower()[:200], list(by_lower), n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""
