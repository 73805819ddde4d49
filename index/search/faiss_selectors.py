"""Selectors that restrict the rows that FAISS returns."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray


class AllowedSelector:
    """A selector of the rows that a search may return.

    FAISS keeps raw pointers to the bits and the selector: keep this object until the search that
    uses it has returned.

    Args:
        allowed: bool (n,), which rows may be returned.
    """

    def __init__(self, allowed: NDArray[np.bool_]) -> None:
        self._bitmap = np.packbits(allowed, bitorder="little")
        self.faiss_selector: Any = faiss.IDSelectorBitmap(self._bitmap)


class ExcludedSelector:
    """A selector of the rows that a search must not return; cheap for few rows.

    Keep this object until the search has returned.

    Args:
        excluded: int64, these rows.
    """

    def __init__(self, excluded: NDArray[np.int64]) -> None:
        self._excluded = faiss.IDSelectorBatch(excluded)
        self.faiss_selector: Any = faiss.IDSelectorNot(self._excluded)
