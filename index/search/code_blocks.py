"""The memory layout of codes that the C scan reads fastest."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_CODES_PER_BLOCK: Final = 8
_WORD_BYTES: Final = 8
_CACHE_LINE: Final = 64


def blocks_of(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return codes, uint8 (n, w), in blocks of eight: uint64 (⌈n/8⌉, ⌈w/8⌉, 8), in C order.

    A block holds the first 64-bit words of eight codes, then their second words, and so on. So the
    distances of eight codes are summed at once (``index/search/native/blocks.h``). Missing codes
    and bytes are zero. Blocks are aligned to cache lines: an unaligned block of 256-bit codes would
    touch five lines instead of four.
    """
    n, width = codes.shape
    blocks, words = -(-n // _CODES_PER_BLOCK), -(-width // _WORD_BYTES)
    if width % _WORD_BYTES or n % _CODES_PER_BLOCK:
        padded = np.zeros((blocks * _CODES_PER_BLOCK, words * _WORD_BYTES), np.uint8)
        padded[:n, :width] = codes
        codes = padded
    by_row = np.ascontiguousarray(codes).view(np.uint64).reshape(blocks, _CODES_PER_BLOCK, words)
    buffer = np.empty(by_row.nbytes + _CACHE_LINE, np.uint8)
    start = -buffer.ctypes.data % _CACHE_LINE
    aligned = buffer[start : start + by_row.nbytes].view(np.uint64)
    result = aligned.reshape(blocks, words, _CODES_PER_BLOCK)
    result[:] = by_row.transpose(0, 2, 1)
    return result
