"""Configures the C library to keep freed memory."""

from __future__ import annotations

import ctypes
import sys

# mallopt's names for its parameters (malloc.h).
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Make the C library keep freed memory, instead of returning it to the system.

    Each step frees and allocates the same hundreds of MiB. By default, glibc maps every large block
    again, and the kernel zeroes each page on first access, which took half of a step.

    Returns:
        Whether the setting was applied; only glibc supports it.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
