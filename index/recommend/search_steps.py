"""Answers in steps: one says what has to be searched, and goes on with what was found.

Who takes the steps decides whether a search is done by itself or with those of others.
"""

from collections.abc import Callable, Generator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchUnavailableError
from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.search.protocol import Results


class Search(NamedTuple):
    """The ``k`` nearest of a catalogue to each of some codes; as ``Catalogue.search``."""

    catalogue: Catalogue
    codes: NDArray[np.uint8]
    k: int
    exclude: Sequence[NDArray[np.int64]]
    allowed: NDArray[np.bool_] | None

    def results(self) -> Results:
        """Distances and rows. Raises ``SearchUnavailableError``."""
        return self.catalogue.search(self.codes, self.k, self.exclude, self.allowed)


Result = TypeVar("Result")

SearchSteps: TypeAlias = Generator[Search, Results, Result]


Searching: TypeAlias = Callable[[Search], Results]


def alone(steps: SearchSteps[Result], searching: Searching = Search.results) -> Result:
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
    alike: dict[tuple[int, int, int], list[Search]] = {}
    for one in searches:
        alike.setdefault((id(one.catalogue), one.k, id(one.allowed)), []).append(one)
    found = {kind: iter(_as_one(some, searching)) for kind, some in alike.items()}
    if len(found) == 1:
        return [*next(iter(found.values()))]
    return [next(found[id(one.catalogue), one.k, id(one.allowed)]) for one in searches]


def _as_one(searches: Sequence[Search], searching: Searching) -> Sequence[Results | Exception]:
    first = searches[0]
    try:
        if len(searches) == 1:
            return [searching(first)]
        codes = np.concatenate([one.codes for one in searches])
        exclude = [rows for one in searches for rows in one.exclude]
        distances, rows = searching(first._replace(codes=codes, exclude=exclude))
    except Exception as error:
        # Whoever has asked is told, and nobody else.
        return [error] * len(searches)
    ends = [*accumulate(len(one.codes) for one in searches)]
    return [(distances[a:b], rows[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
