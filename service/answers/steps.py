"""Answers in steps: one says what has to be searched, and goes on with what was found.

Who takes the steps decides whether a search is done by itself or with those of others.
"""

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.errors import SearchUnavailableError
from index.protocol import Results
from service.answers.catalogue import Catalogue


class Search(NamedTuple):
    """The ``k`` nearest of a catalogue to each of some codes; as ``Catalogue.search``."""

    catalogue: Catalogue
    codes: NDArray[np.uint8]
    k: int
    exclude: Sequence[NDArray[np.int64]]
    among: NDArray[np.bool_] | None

    def results(self) -> Results:
        """Distances and rows. Raises ``SearchUnavailableError``."""
        return self.catalogue.search(self.codes, self.k, self.exclude, self.among)


Result = TypeVar("Result")

Steps: TypeAlias = Generator[Search, Results, Result]


Searching: TypeAlias = Callable[[Search], Results]


def alone(steps: Steps[Result], searching: Searching = Search.results) -> Result:
    """Take all steps of an answer, each search by itself."""
    try:
        search = next(steps)
        while True:
            try:
                found = searching(search)
            except SearchUnavailableError as error:
                search = steps.throw(error)
            else:
                search = steps.send(found)
    except StopIteration as done:
        result: Result = done.value
        return result


def together(
    searches: Sequence[Search], searching: Searching = Search.results
) -> list[Results | Exception]:
    """What each search finds, or why it does not: those that can be are done as one."""
    if len(searches) == 1:
        return [_results(searches[0], searching)]
    alike: dict[tuple[int, int, int], list[int]] = {}
    for place, one in enumerate(searches):
        alike.setdefault((id(one.catalogue), one.k, id(one.among)), []).append(place)
    found: dict[int, Results | Exception] = {}
    for places in alike.values():
        some = [searches[place] for place in places]
        found.update(zip(places, _as_one(some, searching), strict=True))
    return [found[place] for place in range(len(searches))]


def _as_one(searches: Sequence[Search], searching: Searching) -> Sequence[Results | Exception]:
    first = searches[0]
    if len(searches) == 1:
        return [_results(first, searching)]
    codes = np.concatenate([one.codes for one in searches])
    exclude = [rows for one in searches for rows in one.exclude]
    found = _results(first._replace(codes=codes, exclude=exclude), searching)
    if isinstance(found, Exception):
        return [found] * len(searches)
    parts, start = [], 0
    for one in searches:
        end = start + len(one.codes)
        parts.append((found[0][start:end], found[1][start:end]))
        start = end
    return parts


def _results(search: Search, searching: Searching) -> Results | Exception:
    try:
        return searching(search)
    except Exception as error:
        # Whoever has asked is told, and nobody else.
        return error
