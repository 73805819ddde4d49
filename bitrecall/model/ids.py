"""The ids of a release as a sequence of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, overload

if TYPE_CHECKING:
    from bitrecall.index.releases.id_table import IdTable

__all__ = ["Ids"]

# Of the ids that begin alike, so many are compared.
_COMPARED: Final = 1000
_LONGEST_START: Final = 40
_ALIKE: Final = 0.6


class Ids(Sequence[str]):
    """Ids by row, ``ids[0]`` the first; ``id in ids`` takes a bisection, not a scan."""

    def __init__(self, table: IdTable) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        rows = range(len(self))[place]
        return self._table.id_of(rows) if isinstance(rows, int) else self._table.ids_of(rows)

    def __iter__(self) -> Iterator[str]:
        return (self._table.id_of(row) for row in range(len(self)))

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and self._table.row_of(value) is not None

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """The row of an id. Raises ``ValueError`` if there is no such id."""
        row = self._table.row_of(value)
        if row is None or row not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"there is no id {value!r}")
        return row

    def __repr__(self) -> str:
        first = ", ".join(map(repr, self[:3]))
        return f"<{len(self):,} ids: {first}{', …' if len(self) > 3 else ''}>"

    def similar_to(self, wanted: str) -> str | None:
        """The id most like one that is not there, of those that begin like it; None if none is."""
        for spelling in dict.fromkeys((wanted, wanted.lower(), wanted.capitalize())):
            for length in range(min(len(spelling), _LONGEST_START), 0, -1):
                rows = self._table.starting_with(spelling[:length], _COMPARED)
                close = get_close_matches(
                    spelling[:200], self._table.ids_of(rows), n=1, cutoff=_ALIKE
                )
                if close:
                    return close[0]
                if len(rows) == _COMPARED:
                    break
        return None
