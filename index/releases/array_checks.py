"""Checks of the values of large mapped arrays, block by block, so that no copy of one is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["has_negative_zero", "is_finite", "order_fault"]

# A block of this many bytes stays in the processor's cache.
_BLOCK: Final = 2**18
# Ids compared eight bytes at a time, this often; the rest of longer ones one by one.
_WORDS: Final = 16
_ALL: Final = np.uint64(2**64 - 1)
_IDS_AT_ONCE: Final = 2**18


def is_finite(array: NDArray[np.floating[Any]]) -> bool:
    """Whether a float16 or float32 array holds neither NaN nor infinity.

    The bits are compared as integers: all exponent bits set, whatever the sign, is not finite.
    """
    bits, limit = (np.uint16, 0xF800) if array.dtype == np.float16 else (np.uint32, 0xFF000000)
    return all((block << 1).max() < limit for block in _blocks(array, bits))


def has_negative_zero(array: NDArray[np.float16]) -> bool:
    """Whether a float16 array holds -0.0, the smallest of its bits as an int16."""
    lowest = np.iinfo(np.int16).min
    return any(block.min() == lowest for block in _blocks(array, np.int16))


def order_fault(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], order: NDArray[np.int64]
) -> str | None:
    """Say where ``order`` does not sort the ids by their bytes, or two are equal; None if it does.

    Args:
        text: uint8, the ids one after another.
        offsets: int64 (n + 1,), rising from 0 to ``len(text)``.
        order: int64 (n,), a permutation of the rows.
    """
    for start in range(0, len(order) - 1, _IDS_AT_ONCE):
        rows = order[start : start + _IDS_AT_ONCE + 1]
        if wrong := _unsorted(text, offsets, rows):
            first, second = wrong
            return f"the order does not sort the ids: row {first} comes before row {second}"
    return None


def _blocks(array: NDArray[Any], dtype: type[np.generic]) -> Iterator[NDArray[Any]]:
    flat = np.ascontiguousarray(array).reshape(-1).view(dtype)
    size = _BLOCK // flat.itemsize
    return (flat[start : start + size] for start in range(0, len(flat), size))


def _unsorted(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[int, int] | None:
    """The first two of consecutive ``rows`` whose ids do not rise strictly, or None."""
    begins, ends = offsets[rows], offsets[rows + 1]
    # Pairs of neighbours whose bytes are equal so far, by the place of the first.
    open_ = np.arange(len(rows) - 1)
    for word in range(_WORDS):
        if not len(open_):
            return None
        first, second = (
            _words(text, begins[places] + 8 * word, ends[places]) for places in (open_, open_ + 1)
        )
        falling = open_[first > second]
        if len(falling):
            return _pair(rows, falling[0])
        open_ = open_[first == second]
        # Padding is zeros, which an id may end with too: of two equal paddings the longer is later.
        lengths = (ends - begins)[open_], (ends - begins)[open_ + 1]
        ended = np.maximum(*lengths) <= 8 * (word + 1)
        if (wrong := open_[ended & (lengths[0] >= lengths[1])]).size:
            return _pair(rows, wrong[0])
        open_ = open_[~ended]
    view = text.data
    for place in open_.tolist():
        pair = (view[begins[one] : ends[one]] for one in (place, place + 1))
        first_id, second_id = (bytes(one) for one in pair)
        if first_id >= second_id:
            return _pair(rows, place)
    return None


def _words(
    text: NDArray[np.uint8], at: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Eight bytes of each id from ``at`` on as one number, zeros beyond its end; uint64 (b,)."""
    if len(text) < 8:
        text = np.concatenate([text, np.zeros(8, np.uint8)])
    # Every eight bytes that there are, at any address; the last ids are read from further left.
    windows = np.ndarray(len(text) - 7, np.dtype(">u8"), text, strides=(1,))
    taken = np.minimum(at, len(windows) - 1)
    words = windows[taken].astype(np.uint64) << (8 * (at - taken)).astype(np.uint64)
    beyond = 8 - np.clip(ends - at, 0, 8)
    return np.where(beyond < 8, words & (_ALL << (8 * beyond).astype(np.uint64)), np.uint64(0))


def _pair(rows: NDArray[np.int64], place: int) -> tuple[int, int]:
    return int(rows[place]), int(rows[place + 1])
