"""The base of the approximate backends: an index in FAISS, and an exact scan of the same codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.search.arguments import (
    check_allowed,
    check_exclude,
    check_search,
    empty_results,
)
from bitrecall.index.search.faiss_io import write_index
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.protocol import Results

EXACT_ONE_IN: Final = 16
"""If at most one row in this many is allowed, an exact scan is faster than the index."""


class ApproximateBackend(ABC):
    """Hamming search with an index of FAISS.

    Args:
        index: the index.
        exact: a scan of the same codes, for searches that the index does badly.
        parameters: all parameters of the backend.
        fill: whether to search on if the index returns fewer rows than are allowed.
    """

    def __init__(
        self, index: Any, exact: FlatBackend, parameters: Mapping[str, int], *, fill: bool = True
    ) -> None:
        self._index = index
        self._exact = exact
        self._parameters = dict(parameters)
        self._fill = fill

    def save(self, path: Path) -> None:
        """Write the index in FAISS's format."""
        write_index(self._index, path)

    @property
    def parameters(self) -> Mapping[str, int]:
        """The parameters, with the defaults filled in."""
        return dict(self._parameters)

    @property
    def bits(self) -> int:
        """Code length in bits."""
        return self._exact.bits

    @property
    def is_fast(self) -> bool:
        """True, for any number of items."""
        return True

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._exact)

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Search approximately; see ``SearchBackend.search``."""
        codes = check_search(codes, k, self.bits // 8)
        no_rows = [np.empty(0, np.int64)] * len(codes)
        excluded = no_rows if exclude is None else check_exclude(exclude, len(codes), len(self))
        n_allowed = len(self)
        if allowed is not None:
            n_allowed = int(np.count_nonzero(check_allowed(allowed, len(self))))
        distances, rows = empty_results(len(codes), k)
        width = min(k, len(self))
        if width == 0 or len(codes) == 0:
            return distances, rows
        if n_allowed * EXACT_ONE_IN <= len(self):
            return self._exact.search(codes, k, excluded, allowed)
        self._search(codes, excluded, allowed, n_allowed, (distances[:, :width], rows[:, :width]))
        return distances, rows

    @abstractmethod
    def _search(
        self,
        codes: NDArray[np.uint8],
        excluded: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
        n_allowed: int,
        results: Results,
    ) -> None:
        """Search with checked arguments.

        Args:
            codes: queries, uint8 (b, bits/8), b at least 1.
            excluded: for each query the rows that must not be returned.
            allowed: bool (n,), the rows that may be returned; None for all.
            n_allowed: their number.
            results: distances and rows to write to, (b, k), k from 1 to n, filled with -1.
        """


def complete_parameters(
    backend: str,
    parameters: Mapping[str, int],
    defaults: Mapping[str, int],
    ranges: Mapping[str, tuple[int, int]],
) -> dict[str, int]:
    """Return the parameters of a backend with the defaults filled in.

    Args:
        backend: its name, for errors.
        parameters: some of the parameters.
        defaults: all parameters.
        ranges: smallest and largest value of each.

    Raises:
        SearchError: an unknown parameter, or a value out of range.
    """
    unknown = parameters.keys() - defaults.keys()
    if unknown:
        raise SearchError(
            f"unknown parameters {sorted(unknown)} of the {backend} backend; "
            f"known: {sorted(defaults)}"
        )
    completed = {**defaults, **parameters}
    for name, value in completed.items():
        smallest, largest = ranges[name]
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not smallest <= value <= largest
        ):
            raise SearchError(
                f"{name} must be a whole number from {smallest} to {largest}, not {value!r}"
            )
    return completed
