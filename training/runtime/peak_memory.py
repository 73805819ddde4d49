"""The peak memory of this process."""

from __future__ import annotations

import resource
import sys


def peak_rss_mib() -> int:
    """Return the peak memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)
