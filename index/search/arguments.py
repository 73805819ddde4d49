"""Checks of the arguments of a search, the same for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.search.packing import check_codes
from bitrecall.index.search.protocol import Results

_ROWS: Final = np.dtype(np.int64)


def check_search(codes: NDArray[np.uint8], k: int, width: int) -> NDArray[np.uint8]:
    """Return ``codes`` in C order. Raises SearchError on a wrong dtype or width, or a bad ``k``."""
    check_codes(codes, width)
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise SearchError(f"k must be a whole number, not {k!r}")
    if k < 0:
        raise SearchError(f"k must not be negative: {k}")
    return np.ascontiguousarray(codes)


def check_exclude(
    exclude: Sequence[NDArray[np.integer[Any]]], queries: int, items: int
) -> list[NDArray[np.int64]]:
    """Do what ``exclude_lists`` does, and raise SearchError on a row outside 0 … items - 1."""
    checked = exclude_lists(exclude, queries)
    check_excluded_rows(checked, items)
    return checked


def check_excluded_rows(exclude: Sequence[NDArray[np.int64]], items: int) -> None:
    """Raise SearchError if an excluded row is outside 0 … items - 1."""
    if any(rows.size and (rows.min() < 0 or rows.max() >= items) for rows in exclude):
        raise SearchError(outside_message(items))


def outside_message(items: int) -> str:
    """Return the error message for an excluded row outside 0 … items - 1."""
    return f"a row to exclude is outside 0 … {items - 1}: is it from another release?"


def exclude_lists(
    exclude: Sequence[NDArray[np.integer[Any]]], queries: int
) -> list[NDArray[np.int64]]:
    """Return the excluded rows as one int64 array per query, in the given order.

    Raises:
        SearchError: not one array per query, or an array of other than integers or of more than one
            dimension.
    """
    if len(exclude) != queries:
        raise SearchError(f"{len(exclude)} lists of rows to exclude for {queries} queries")
    checked = []
    for query, rows in enumerate(exclude):
        if _is_checked(rows):
            checked.append(rows)
            continue
        rows = np.asarray(rows)
        if rows.size == 0:
            rows = np.empty(0, np.int64)
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise SearchError(
                f"rows to exclude must be whole numbers in one dimension; query {query} has "
                f"{rows.dtype} of shape {rows.shape}"
            )
        checked.append(np.ascontiguousarray(rows, np.int64))
    return checked


def _is_checked(rows: Any) -> TypeGuard[NDArray[np.int64]]:
    """Return whether ``rows`` need no conversion: a fast test for the usual case."""
    return (
        type(rows) is np.ndarray
        and rows.dtype is _ROWS
        and rows.ndim == 1
        and rows.flags.c_contiguous
    )


def check_allowed(allowed: NDArray[np.bool_], items: int) -> NDArray[np.bool_]:
    """Return ``allowed`` unchanged. Raises SearchError unless it is bool (items,)."""
    if (
        not isinstance(allowed, np.ndarray)
        or allowed.dtype != np.bool_
        or allowed.shape != (items,)
    ):
        actual = f"{getattr(allowed, 'dtype', type(allowed).__name__)} {np.shape(allowed)}"
        raise SearchError(f"the mask of allowed rows must be bool ({items},), not {actual}")
    return allowed


def empty_results(queries: int, k: int) -> Results:
    """Return (distances, rows) of shape (queries, k), filled with -1."""
    return np.full((queries, k), -1, np.int32), np.full((queries, k), -1, np.int64)
