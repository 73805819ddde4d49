"""Selectors that restrict the rows that FAISS returns."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray


class Selection:
    """A selector of the rows that a search may return.

    FAISS holds raw pointers to the bits and the selector: keep this object until the search that
    uses it is over.

    Args:
        allowed: bool (n,), which rows may be returned.
    """

    def __init__(self, allowed: NDArray[np.bool_]) -> None:
        self._bitmap = np.packbits(allowed, bitorder="little")
        self.selector: Any = faiss.IDSelectorBitmap(self._bitmap)


class ClosedSelection:
    """A selector of the rows that a search must not return; cheap for few rows.

    Keep this object until the search is over.

    Args:
        closed: int64, these rows.
    """

    def __init__(self, closed: NDArray[np.int64]) -> None:
        self._closed = faiss.IDSelectorBatch(closed)
        self.selector: Any = faiss.IDSelectorNot(self._closed)
