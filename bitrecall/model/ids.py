"""The ids of a release as a sequence of strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, overload

if TYPE_CHECKING:
    from bitrecall.index.releases.id_table import IdTable

__all__ = ["Ids"]

# Maximum number of ids with a common prefix that are compared with a misspelt one.
_MAX_CANDIDATES: Final = 1000
_MAX_PREFIX_LENGTH: Final = 40
# Similarity ratio of difflib above which an id is suggested.
_MIN_SIMILARITY: Final = 0.6


class Ids(Sequence[str]):
    """The ids of users or items by row; ``id in ids`` is a binary search."""

    def __init__(self, table: IdTable) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        rows = range(len(self))[index]
        return self._table.id_of(rows) if isinstance(rows, int) else self._table.ids_of(rows)

    def __iter__(self) -> Iterator[str]:
        return (self._table.id_of(row) for row in range(len(self)))

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and self._table.row_of(value) is not None

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Return the row of an id.

        Raises:
            ValueError: the id is unknown, or its row is outside ``start`` to ``stop``.
        """
        row = self._table.row_of(value)
        if row is None or row not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"unknown id {value!r}")
        return row

    def __repr__(self) -> str:
        first = ", ".join(map(repr, self[:3]))
        return f"<{len(self):,} ids: {first}{', …' if len(self) > 3 else ''}>"

    def starting_with(self, prefix: str, k: int) -> list[str]:
        """Return the first ``k`` ids with a prefix, in byte order."""
        return self._table.ids_of(self._table.starting_with(prefix, k))

    def suggestion(self, unknown_id: str) -> str:
        """Return ``; did you mean 'ID'?`` with a similar id, or an empty string."""
        similar = self.similar_to(unknown_id)
        return "" if similar is None else f"; did you mean {similar!r}?"

    def similar_to(self, unknown_id: str) -> str | None:
        """Return a similar id with the longest common prefix; None if none is similar.

        Shorter prefixes are tried until 1,000 ids or more have one. Only the first 1,000 ids with a
        prefix are compared.
        """
        for spelling in dict.fromkeys((unknown_id, unknown_id.lower(), unknown_id.capitalize())):
            for length in range(min(len(spelling), _MAX_PREFIX_LENGTH), 0, -1):
                candidates = self.starting_with(spelling[:length], _MAX_CANDIDATES)
                close = get_close_matches(spelling[:200], candidates, n=1, cutoff=_MIN_SIMILARITY)
                if close:
                    return close[0]
                if len(candidates) == _MAX_CANDIDATES:
                    break
        return None
