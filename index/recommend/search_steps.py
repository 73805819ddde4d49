"""Recommendations as generators that yield their searches.

The caller decides how a search runs: at once, or merged with the searches of concurrent requests.
"""

from collections.abc import Callable, Generator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchUnavailableError
from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.search.protocol import Results


class SearchRequest(NamedTuple):
    """A search of a catalogue for the ``k`` nearest items of each code.

    Attributes:
        catalogue: where to search.
        codes: uint8 (b, bits/8).
        k: items per code.
        exclude: for each code the item rows to leave out.
        allowed: bool (n + d,), the items that may be listed; None for all.
    """

    catalogue: Catalogue
    codes: NDArray[np.uint8]
    k: int
    exclude: Sequence[NDArray[np.int64]]
    allowed: NDArray[np.bool_] | None

    def run(self) -> Results:
        """Return distances and rows. Raises ``SearchUnavailableError``."""
        return self.catalogue.search(self.codes, self.k, self.exclude, self.allowed)


Result = TypeVar("Result")

SearchSteps: TypeAlias = Generator[SearchRequest, Results, Result]

SearchFunction: TypeAlias = Callable[[SearchRequest], Results]


def run_steps(steps: SearchSteps[Result], search: SearchFunction = SearchRequest.run) -> Result:
    """Run a generator to its result, running each search that it yields separately."""
    try:
        request = next(steps)
        while True:
            try:
                results = search(request)
            except SearchUnavailableError as error:
                request = steps.throw(error)
            else:
                request = steps.send(results)
    except StopIteration as stop:
        result: Result = stop.value
        return result


def run_searches(
    requests: Sequence[SearchRequest], search: SearchFunction = SearchRequest.run
) -> list[Results | Exception]:
    """Run several searches, merging those of the same catalogue, ``k`` and allowed items.

    Returns:
        For each request its distances and rows, or the exception that its search raised.
    """
    groups: dict[tuple[int, int, int], list[SearchRequest]] = {}
    for request in requests:
        groups.setdefault(_group_key(request), []).append(request)
    results = {key: iter(_run_merged(group, search)) for key, group in groups.items()}
    if len(results) == 1:
        return [*next(iter(results.values()))]
    return [next(results[_group_key(request)]) for request in requests]


def _group_key(request: SearchRequest) -> tuple[int, int, int]:
    return id(request.catalogue), request.k, id(request.allowed)


def _run_merged(
    requests: Sequence[SearchRequest], search: SearchFunction
) -> Sequence[Results | Exception]:
    first = requests[0]
    try:
        if len(requests) == 1:
            return [search(first)]
        codes = np.concatenate([request.codes for request in requests])
        exclude = [rows for request in requests for rows in request.exclude]
        distances, rows = search(first._replace(codes=codes, exclude=exclude))
    except Exception as error:
        # It concerns each of these requests, and no others.
        return [error] * len(requests)
    ends = [*accumulate(len(request.codes) for request in requests)]
    return [(distances[a:b], rows[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
