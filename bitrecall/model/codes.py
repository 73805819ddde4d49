"""Codes as arrays, for an index of one's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.search.packing import unpack_signs

__all__ = ["Codes"]


class Codes:
    """Codes of rows, packed and as signs.

    Attributes:
        packed: uint8 (n, bits/8); sign j is bit j % 8, from the least significant, of byte j // 8,
            set for +1. As ``faiss.IndexBinaryFlat`` takes them.
    """

    def __init__(self, packed: NDArray[np.uint8]) -> None:
        self.packed = packed

    @property
    def signs(self) -> NDArray[np.int8]:
        """The codes as ±1, int8 (n, bits)."""
        return unpack_signs(self.packed)

    def __len__(self) -> int:
        return len(self.packed)

    def __repr__(self) -> str:
        return f"<{len(self):,} codes of {self.packed.shape[1] * 8} bits>"
