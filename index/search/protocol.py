"""What every search backend promises."""

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
        """Bits in a code."""
        ...

    @property
    def is_fast(self) -> bool:
        """Whether a query takes a millisecond at most, and waits for nobody else."""
        ...

    def __len__(self) -> int:
        """Count the items."""
        ...

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Find the `k` nearest items of each query: (distances int32, rows int64), both (b, k).

        `codes` is uint8 (b, bits/8). `exclude` has one array of rows a query that must not be
        returned, in any order; a row given twice counts once. `allowed` is bool (n,), the rows that
        may be returned to any query at all. Results are ordered by (distance, row), and the same
        for a query alone, in a batch, and at any number of threads. Where fewer than k items are
        allowed, the end is filled with row -1 at distance -1; k = 0 gives (b, 0).

        Raises SearchError on codes of a wrong dtype or width, a negative k, an `exclude` of a wrong
        length, an excluded row that does not exist (a sign of another release's rows), or an
        `allowed` that is not bool (n,).
        """
        ...


class StoredBackend(SearchBackend, Protocol):
    """A backend that a release can hold: built from codes, written to one file and read back.

    `effort` is the parameter with which more is found in more time; None where all is found.
    """

    effort: ClassVar[str | None]

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return the same index, searched with another `effort`; itself where there is none.

        Without `fill` a search that comes back short is left so, which shows what the effort gives.
        """
        ...

    @property
    def most_effort(self) -> int:
        """The most that makes sense; 1 where there is none."""
        ...

    @property
    def parameters(self) -> Mapping[str, int]:
        """What it was built with, every default filled in; goes into the manifest."""
        ...

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). Raises SearchError on bad parameters."""
        ...

    def save(self, path: Path) -> None:
        """Write the index to `path` in FAISS's own format."""
        ...

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Read an index of the item codes `codes` back from `path`.

        Raises ReleaseDamagedError where the file cannot be read, holds another kind of index, or
        holds other codes than `codes`.
        """
        ...
