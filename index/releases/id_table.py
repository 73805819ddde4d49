"""Maps ids to rows and back, with memory-mapped arrays that all workers share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import ReleaseContentsError, SearchError
from bitrecall.index.releases.array_checks import order_fault
from bitrecall.index.search.native_module import native


@dataclass(frozen=True, eq=False)
class IdTable:
    """The ids of rows 0 … n - 1: distinct, non-empty Unicode strings.

    An id is looked up by bisection (16 steps for 40,000 ids, half a µs in C). No dictionary is
    built, so opening takes no time and processes share the memory.

    Attributes:
        text: uint8, the ids in UTF-8, concatenated in the order of rows.
        offsets: int64 (n + 1,); the id of row r is ``text[offsets[r]:offsets[r + 1]]``.
        order: int64 (n,), the rows in the order of their ids' bytes.
    """

    text: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    order: NDArray[np.int64]
    _views: tuple[memoryview, memoryview, memoryview] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Indexing a view returns a Python number and is four times as fast as indexing an array.
        views = (self.text.data, self.offsets.data, self.order.data)
        object.__setattr__(self, "_views", views)

    @classmethod
    def build(cls, ids: Sequence[str]) -> Self:
        """Build from the ids in the order of rows.

        Raises:
            ReleaseContentsError: an id is empty, repeated, not a string, or not valid Unicode.
        """
        encoded = [_encode(text, row) for row, text in enumerate(ids)]
        order = sorted(range(len(encoded)), key=encoded.__getitem__)
        for first, second in pairwise(order):
            if encoded[first] == encoded[second]:
                raise ReleaseContentsError(
                    f"rows {first} and {second} both have the id {ids[first]!r}"
                )
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        text = np.frombuffer(b"".join(encoded), np.uint8)
        return cls(text, offsets, np.array(order, np.int64))

    def __len__(self) -> int:
        """Return the number of ids."""
        return len(self.order)

    def id_of(self, row: int) -> str:
        """Return the id of a row. Raises SearchError on an unknown row."""
        if not 0 <= row < len(self):
            raise SearchError(f"there is no row {row} among {len(self)} ids")
        return self._bytes(int(row)).decode()

    def ids_of(self, rows: Iterable[int] | NDArray[np.integer[Any]]) -> list[str]:
        """Return the ids of rows, in that order. Raises SearchError on an unknown row."""
        if native is not None and isinstance(rows, np.ndarray):
            try:
                ids: list[str] = native.ids_of(*self._views, np.ascontiguousarray(rows, np.int64))
                return ids
            except IndexError as error:
                raise SearchError(str(error)) from None
        text, offsets, _ = self._views
        count, decoded = len(self), []
        for row in rows.tolist() if isinstance(rows, np.ndarray) else rows:
            if not 0 <= row < count:
                raise SearchError(f"there is no row {row} among {count} ids")
            decoded.append(str(text[offsets[row] : offsets[row + 1]], "utf-8"))
        return decoded

    def row_of(self, text: str) -> int | None:
        """Return the row of an id; None if it is unknown."""
        try:
            encoded = text.encode()
        except UnicodeEncodeError:
            return None
        place = self._place_of(encoded)
        if place == len(self):
            return None
        row: int = self._views[2][place]
        return row if self._bytes(row) == encoded else None

    def starting_with(self, prefix: str, limit: int) -> list[int]:
        """Return the rows of up to ``limit`` ids with a prefix, ordered by their bytes."""
        try:
            encoded = prefix.encode()
        except UnicodeEncodeError:
            return []
        first = self._place_of(encoded)
        rows = self.order[first : first + max(limit, 0)].tolist()
        return list(takewhile(lambda row: self._bytes(row).startswith(encoded), rows))

    def _place_of(self, encoded: bytes) -> int:
        """Return the position in ``order`` of the first id that is not less than ``encoded``."""
        if native is not None:
            place: int = native.place_of(*self._views, encoded)
            return place
        text, offsets, order = self._views
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            row = order[middle]
            if bytes(text[offsets[row] : offsets[row + 1]]) < encoded:
                low = middle + 1
            else:
                high = middle
        return low

    def fault(self) -> str | None:
        """Return why these arrays are unsafe, unreadable or unsorted, or None."""
        text, offsets, order = self.text, self.offsets, self.order
        if text.dtype != np.uint8 or offsets.dtype != np.int64 or order.dtype != np.int64:
            return f"arrays are {text.dtype}, {offsets.dtype} and {order.dtype}"
        if text.ndim != 1 or order.ndim != 1 or offsets.shape != (len(order) + 1,):
            return f"offsets have shape {offsets.shape} for ids of shape {order.shape}"
        if offsets[0] != 0 or offsets[-1] != len(text) or (offsets[1:] <= offsets[:-1]).any():
            return f"offsets do not rise from 0 to {len(text)}"
        if order.size and (
            order.min() < 0
            or order.max() >= len(order)
            or (np.bincount(order, minlength=len(order)) != 1).any()
        ):
            return "the order is not a permutation of the rows"
        if ((text[offsets[:-1]] & 0xC0) == 0x80).any():
            return "an id starts inside a character"
        try:
            text.tobytes().decode()
        except UnicodeDecodeError as error:
            return f"the text is not UTF-8: {error}"
        return order_fault(text, offsets, order)

    def _bytes(self, row: int) -> bytes:
        text, offsets, _ = self._views
        return bytes(text[offsets[row] : offsets[row + 1]])


def _encode(text: str, row: int) -> bytes:
    if not isinstance(text, str):
        raise ReleaseContentsError(f"the id of row {row} must be a string, not {text!r}")
    if not text:
        raise ReleaseContentsError(f"the id of row {row} is empty")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ReleaseContentsError(
            f"the id of row {row}, {text!r}, is not valid Unicode: {error.reason}"
        ) from error
