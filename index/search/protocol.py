"""The interface of search backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Results = tuple[NDArray[np.int32], NDArray[np.int64]]


class SearchBackend(Protocol):
    """A catalogue of codes that can be searched by Hamming distance.

    Rows are in descending popularity, so ordering by (distance, row) gives ties to the more
    popular item. A backend is read-only once built and may be searched from several threads.
    """

    @property
    def bits(self) -> int:
        """Code length in bits."""
        ...

    @property
    def is_fast(self) -> bool:
        """Whether a query takes at most a millisecond, without any network."""
        ...

    def __len__(self) -> int:
        """Return the number of items."""
        ...

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Find the ``k`` nearest items of each query.

        Results are ordered by (distance, row). They are the same for a query alone, in a batch, and
        with any number of threads.

        Args:
            codes: queries, uint8 (b, bits/8).
            k: items per query, at least 0.
            exclude: for each query the rows that must not be returned, in any order; repetitions
                are allowed.
            allowed: bool (n,), the rows that may be returned to any query; None for all.

        Returns:
            Distances, int32 (b, k), and rows, int64 (b, k). If fewer than ``k`` items are allowed,
            they are padded with distance -1 and row -1.

        Raises:
            SearchError: codes of a wrong dtype or width, a negative ``k``, an ``exclude`` of a
                wrong length, an excluded row that does not exist (a sign that it is from another
                release), or an ``allowed`` that is not bool (n,).
        """
        ...


class StoredBackend(SearchBackend, Protocol):
    """A backend that a release can store, in one file.

    Attributes:
        effort: name of the parameter that trades time for recall; None for exact backends.
    """

    effort: ClassVar[str | None]

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return the same index, searched with another ``effort``; an exact backend returns itself.

        Args:
            effort: value of the parameter, from 1 to ``max_effort``.
            fill: whether to search on if a search returns fewer rows than are allowed; False
                measures the effort alone.
        """
        ...

    @property
    def max_effort(self) -> int:
        """The largest useful effort; 1 for an exact backend."""
        ...

    @property
    def parameters(self) -> Mapping[str, int]:
        """The parameters for the manifest, with the defaults filled in."""
        ...

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). Raises SearchError on bad parameters."""
        ...

    def save(self, path: Path) -> None:
        """Write the index in FAISS's format."""
        ...

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Read an index of the item codes ``codes`` from a file.

        Raises:
            ReleaseDamagedError: the file is unreadable, or contains another kind of index or other
                codes.
        """
        ...
