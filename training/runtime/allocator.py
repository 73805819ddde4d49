"""How the C library keeps memory that a training has freed."""

from __future__ import annotations

import ctypes
import sys

# mallopt's names for its parameters (malloc.h).
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Have the C library keep freed memory, instead of asking the system for it again.

    A step frees and allocates the same hundreds of MiB each time. By default glibc maps every large
    block anew, and each of its pages is zeroed at its first touch, which took half of a step.

    Returns:
        Whether the C library has such a setting: glibc does, others are left as they are.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
