"""Checks of large memory-mapped arrays, block by block, without copying them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["has_negative_zero", "is_finite", "order_fault"]

# A block of this many bytes fits into the processor's cache.
_BLOCK: Final = 2**18
# Ids are compared in words of eight bytes, up to this many; then the remaining ids one by one.
_WORDS: Final = 16
_ALL: Final = np.uint64(2**64 - 1)
_IDS_AT_ONCE: Final = 2**18


def is_finite(array: NDArray[np.floating[Any]]) -> bool:
    """Return whether a float16 or float32 array has neither NaN nor infinity.

    The bits are compared as integers: a value is not finite if all its exponent bits are set.
    """
    bits, limit = (np.uint16, 0xF800) if array.dtype == np.float16 else (np.uint32, 0xFF000000)
    return all((block << 1).max() < limit for block in _blocks(array, bits))


def has_negative_zero(array: NDArray[np.float16]) -> bool:
    """Return whether a float16 array has -0.0, whose bits are the smallest int16."""
    lowest = np.iinfo(np.int16).min
    return any(block.min() == lowest for block in _blocks(array, np.int16))


def order_fault(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], order: NDArray[np.int64]
) -> str | None:
    """Return where ``order`` does not sort the ids strictly by their bytes, or None.

    Args:
        text: uint8, the concatenated ids.
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
    """Return the first two consecutive rows whose ids do not increase strictly, or None."""
    begins, ends = offsets[rows], offsets[rows + 1]
    # Positions of neighbouring ids whose bytes are equal so far.
    undecided = np.arange(len(rows) - 1)
    for word in range(_WORDS):
        if not len(undecided):
            return None
        first, second = (
            _words(text, begins[places] + 8 * word, ends[places])
            for places in (undecided, undecided + 1)
        )
        falling = undecided[first > second]
        if len(falling):
            return _pair(rows, falling[0])
        undecided = undecided[first == second]
        # Words are padded with zeros, and an id may end with zeros: if the padded words are equal,
        # the longer id is the larger one.
        lengths = (ends - begins)[undecided], (ends - begins)[undecided + 1]
        ended = np.maximum(*lengths) <= 8 * (word + 1)
        if (wrong := undecided[ended & (lengths[0] >= lengths[1])]).size:
            return _pair(rows, wrong[0])
        undecided = undecided[~ended]
    view = text.data
    for place in undecided.tolist():
        first_id, second_id = (
            bytes(view[begins[position] : ends[position]]) for position in (place, place + 1)
        )
        if first_id >= second_id:
            return _pair(rows, place)
    return None


def _words(
    text: NDArray[np.uint8], at: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Return eight bytes of each id from position ``at``, zero-padded, as numbers: uint64 (b,)."""
    if len(text) < 8:
        text = np.concatenate([text, np.zeros(8, np.uint8)])
    # All windows of eight bytes, unaligned. Near the end, the last one is shifted.
    windows = np.ndarray(len(text) - 7, np.dtype(">u8"), text, strides=(1,))
    starts = np.minimum(at, len(windows) - 1)
    words = windows[starts].astype(np.uint64) << (8 * (at - starts)).astype(np.uint64)
    beyond = 8 - np.clip(ends - at, 0, 8)
    return np.where(beyond < 8, words & (_ALL << (8 * beyond).astype(np.uint64)), np.uint64(0))


def _pair(rows: NDArray[np.int64], place: int) -> tuple[int, int]:
    return int(rows[place]), int(rows[place + 1])
