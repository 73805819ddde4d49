"""The memory layout of codes that is fastest for the C scan."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_IN_A_BLOCK: Final = 8
_WORD: Final = 8
_CACHE_LINE: Final = 64


def blocks_of(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return codes, uint8 (n, w), in blocks of eight: uint64 (⌈n/8⌉, ⌈w/8⌉, 8), in C order.

    A block has the first words of eight codes, then their second words, and so on, so that the
    distances of eight codes are summed at once (``index/search/native/blocks.h``). Missing codes
    and bytes are zero. Blocks are aligned to cache lines: an unaligned block of 256-bit codes would
    touch five lines instead of four.
    """
    n, width = codes.shape
    blocks, words = -(-n // _IN_A_BLOCK), -(-width // _WORD)
    if width % _WORD or n % _IN_A_BLOCK:
        whole = np.zeros((blocks * _IN_A_BLOCK, words * _WORD), np.uint8)
        whole[:n, :width] = codes
        codes = whole
    by_row = np.ascontiguousarray(codes).view(np.uint64).reshape(blocks, _IN_A_BLOCK, words)
    room = np.empty(by_row.nbytes + _CACHE_LINE, np.uint8)
    start = -room.ctypes.data % _CACHE_LINE
    taken = room[start : start + by_row.nbytes].view(np.uint64)
    result = taken.reshape(blocks, words, _IN_A_BLOCK)
    result[:] = by_row.transpose(0, 2, 1)
    return result
