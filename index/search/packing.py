"""Packing signs into bits, and distances between codes.

A code of f signs is f/8 bytes: sign j is bit j % 8 (counted from the least significant) of byte
j // 8, set if the sign is +1. The score of two codes is f - 2·(their Hamming distance).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError


def pack_signs(x: NDArray[Any]) -> NDArray[np.uint8]:
    """Pack the signs of ``x``, shape (n, f), into uint8 codes, shape (n, f/8).

    A bit is 1 if x >= 0: sgn(0) = +1 as in the paper, and -0.0 counts as 0.

    Raises:
        SearchError: ``x`` is not a matrix, f is not a multiple of 8, or a value is NaN.
    """
    x = np.asarray(x)
    if x.ndim != 2:
        raise SearchError(f"signs must be a matrix, not an array of shape {x.shape}")
    if x.shape[1] % 8:
        raise SearchError(f"the number of bits must be a multiple of 8, not {x.shape[1]}")
    if np.issubdtype(x.dtype, np.floating) and np.isnan(x).any():
        raise SearchError("the sign of NaN is undefined")
    return np.packbits(x >= 0, axis=1, bitorder="little")


def unpack_signs(codes: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Unpack uint8 codes, shape (n, w), into int8 signs ±1, shape (n, 8w)."""
    check_codes(codes)
    bits = np.unpackbits(codes, axis=1, bitorder="little").astype(np.int8)
    return 2 * bits - np.int8(1)


def hamming_distances(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return Hamming distances, int32 (p, q), of codes ``a``, uint8 (p, w), and ``b``, (q, w).

    Uses p·q·w bytes of working memory: for tests and small blocks, not for a catalogue.
    """
    check_codes(a)
    check_codes(b, a.shape[1])
    differing = np.bitwise_count(a[:, None, :] ^ b[None, :, :])
    return np.asarray(differing.sum(axis=2, dtype=np.int32), np.int32)


def check_codes(codes: NDArray[Any], width: int | None = None) -> None:
    """Raise SearchError unless ``codes`` is a uint8 matrix, of ``width`` bytes per row if given."""
    if not isinstance(codes, np.ndarray) or codes.dtype != np.uint8 or codes.ndim != 2:
        actual = (
            f"{codes.dtype} of shape {codes.shape}"
            if isinstance(codes, np.ndarray)
            else type(codes).__name__
        )
        raise SearchError(f"codes must be a uint8 matrix, not {actual}")
    if width is not None and codes.shape[1] != width:
        raise SearchError(
            f"codes have {codes.shape[1] * 8} bits instead of {width * 8}: "
            "are they from another release?"
        )


def to_half_keeping_signs(x: NDArray[np.floating[Any]]) -> NDArray[np.float16]:
    """Round ``x`` to float16 so that no sign changes: pack_signs(x) == pack_signs(result).

    Rounding alone turns tiny negative values into -0.0, whose sign is +1; they become the
    negative subnormal nearest to zero instead (-2**-24). Values beyond float16's range (±65504)
    are clipped, infinities too; -0.0 becomes 0.0. Raises SearchError on NaN.
    """
    x = np.asarray(x)
    if np.isnan(x).any():
        raise SearchError("the sign of NaN is undefined")
    largest = np.finfo(np.float16).max
    half: NDArray[np.float16] = np.clip(x, -largest, largest).astype(np.float16)
    half[half == 0] = 0.0
    half[(x < 0) & (half == 0)] = -np.finfo(np.float16).smallest_subnormal
    return half
