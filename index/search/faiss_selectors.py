"""Letting FAISS return some rows alone."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray


class Selection:
    """Rows that a search may return, as FAISS wants to be told.

    FAISS keeps bare pointers to the bits and the selector: hold on to this until the search that
    uses it is over.

    Args:
        allowed: bool (n,), which rows may be returned.
    """

    def __init__(self, allowed: NDArray[np.bool_]) -> None:
        self._bitmap = np.packbits(allowed, bitorder="little")
        self.selector: Any = faiss.IDSelectorBitmap(self._bitmap)


class ClosedSelection:
    """Rows that a search must not return; cheap where they are few. Hold on to it likewise.

    Args:
        closed: int64, those rows.
    """

    def __init__(self, closed: NDArray[np.int64]) -> None:
        self._closed = faiss.IDSelectorBatch(closed)
        self.selector: Any = faiss.IDSelectorNot(self._closed)
