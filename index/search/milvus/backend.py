"""Search by Hamming distance on a Milvus server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import ReleaseError, SearchUnavailableError
from bitrecall.index.search.arguments import (
    check_allowed,
    check_exclude,
    check_search,
    empty_results,
)
from bitrecall.index.search.milvus.collection import (
    CODE,
    ROW,
    Facts,
    Held,
    parameters_of,
    read_facts,
)
from bitrecall.index.search.milvus.server import MilvusServer
from bitrecall.index.search.protocol import Results
from bitrecall.index.search.sort_keys import best_of, keys_of, open_rows

if TYPE_CHECKING:
    from pymilvus import MilvusClient

# Rows that Milvus returns to a query at most.
LIMIT: Final = 16_384

# Excluded rows are found and dropped: on 41,000 codes 1,000 more rows take 1.2 ms more, and an
# expression that leaves 1,000 out takes 7 ms more; 10,000 take 17 and 58 ms. A query that excludes
# more than so many is asked by itself, so that it makes no others fetch as much.
_TOGETHER_AT_MOST: Final = 256

# Where no more rows than these may be returned, they are named in the expression.
_NAMED_AT_MOST: Final = 4_096

# Rows beyond those wanted, for the ties of the last.
_TIES: Final = 64


class MilvusBackend:
    """Searches the collection that holds a release's item codes.

    Milvus breaks ties as it likes. What is not known to be nearer than all that it left out is
    asked for again, with more rows, and in the end a range of rows at a time, until the answer is
    the one that ``bitrecall.index.search.protocol.SearchBackend.search`` promises. With BIN_FLAT it
    is exact; with BIN_IVF_FLAT it may miss a nearer item, in a list that is not searched.

    Args:
        server: who searches.
        name: of the collection.
        facts: what it holds. What it says itself counts where it is None, read with the first
            search and then compared with ``wanted``.
        wanted: the item codes' sha256, how many there are, and their bits.
        limit: rows that Milvus returns to a query at most.
        fill: search all lists where those searched hold fewer items than are wanted.
    """

    def __init__(
        self,
        server: MilvusServer,
        name: str,
        wanted: Held,
        facts: Facts | None = None,
        limit: int = LIMIT,
        *,
        fill: bool = True,
    ) -> None:
        self._server = server
        self._name = name
        self._wanted = wanted
        self._facts = facts
        self._limit = limit
        self._fill = fill

    def check(self) -> Facts:
        """Return what the collection says of itself.

        Raises SearchUnavailableError where the server does not answer, and ReleaseError where there
        is no such collection, or it holds other codes.
        """
        if self._facts is None:
            facts = read_facts(self._server, self._name)
            where = f"Milvus at {self._server.url}"
            if facts is None:
                raise ReleaseError(
                    f"{where} has no collection {self._name} written by Bitrecall: "
                    "'bitrecall release activate' with --milvus writes it"
                )
            if facts.held != self._wanted:
                raise ReleaseError(f"{where} has other codes in {self._name} than the release")
            self._facts = facts
        return self._facts

    @property
    def bits(self) -> int:
        """Bits in a code."""
        return self._wanted.bits

    @property
    def is_fast(self) -> bool:
        """Never: it waits for another process."""
        return False

    def __len__(self) -> int:
        """Count the items."""
        return self._wanted.items

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Find the ``k`` nearest items of each query; see ``SearchBackend.search``.

        Raises SearchUnavailableError, too, where the server does not answer, or has no such
        collection.
        """
        codes = check_search(codes, k, self.bits // 8)
        nothing = [np.empty(0, np.int64)] * len(codes)
        excluded = nothing if exclude is None else check_exclude(exclude, len(codes), len(self))
        allowed = None if allowed is None else check_allowed(allowed, len(self))
        distances, rows = empty_results(len(codes), k)
        width = min(k, len(self))
        if width == 0 or len(codes) == 0 or (allowed is not None and not allowed.any()):
            return distances, rows
        sizes = np.array([len(rows_of_query) for rows_of_query in excluded])
        few = np.flatnonzero(sizes <= _TOGETHER_AT_MOST)
        groups = [few] if len(few) else []
        groups += [np.array([query]) for query in np.flatnonzero(sizes > _TOGETHER_AT_MOST)]
        try:
            facts = self.check()
        except ReleaseError as error:
            raise SearchUnavailableError(str(error)) from error
        for group in groups:
            found = self._search_group(
                codes[group], width, [excluded[i] for i in group], allowed, facts
            )
            for query, (near, which) in zip(group, found, strict=True):
                distances[query, : len(which)], rows[query, : len(which)] = near, which
        return distances, rows

    def _search_group(
        self,
        codes: NDArray[np.uint8],
        width: int,
        excluded: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
        facts: Facts,
    ) -> list[Results]:
        """Search for all in one call, and further for those whom that does not settle."""
        unnamed, expression = allowed, ""
        fetched = 2 * width + _TIES + max(len(rows) for rows in excluded)
        if allowed is not None:
            n_allowed = int(np.count_nonzero(allowed))
            if n_allowed <= _NAMED_AT_MOST:
                unnamed, expression = None, f"{ROW} in {np.flatnonzero(allowed).tolist()}"
            else:
                fetched = fetched * len(self) // n_allowed
        fetched = min(fetched, self._limit)
        found = []
        asked = self._ask(codes, fetched, expression, facts.nprobe)
        for code, rows, answer in zip(codes, excluded, asked, strict=True):
            settled = _settled(answer, fetched, width, _Closed(rows, unnamed))
            if settled is None:
                settled = self._search_rows(code, width, _Closed(rows, allowed), facts.nprobe)
            if len(settled[1]) < width and facts.nlist and self._fill:
                settled = self._search_rows(code, width, _Closed(rows, allowed), facts.nlist)
            found.append(settled)
        return found

    def _search_rows(
        self,
        code: NDArray[np.uint8],
        width: int,
        closed: _Closed,
        nprobe: int,
        low: int = 0,
        high: int | None = None,
    ) -> Results:
        """Search the rows low … high - 1, at once or else one half after the other."""
        high = len(self) if high is None else high
        # One more than there are: then fewer are found than were to be fetched.
        fetched = min(high - low + 1, self._limit)
        answer = self._ask(code[None], fetched, f"{low} <= {ROW} < {high}", nprobe)[0]
        settled = _settled(answer, fetched, width, closed)
        if settled is not None:
            return settled
        middle = (low + high) // 2
        lower = self._search_rows(code, width, closed, nprobe, low, middle)
        upper = self._search_rows(code, width, closed, nprobe, middle, high)
        return _ordered(
            np.concatenate([lower[0], upper[0]]), np.concatenate([lower[1], upper[1]]), width
        )

    def _ask(
        self, codes: NDArray[np.uint8], limit: int, expression: str, nprobe: int
    ) -> list[Results]:
        """Ask Milvus: for each query distances and rows, nearest first, at most ``limit``."""

        def ask(client: MilvusClient, seconds: float) -> Any:
            return client.search(
                self._name,
                data=[code.tobytes() for code in codes],
                anns_field=CODE,
                limit=limit,
                filter=expression,
                search_params=parameters_of(nprobe),
                # Nothing is written to a collection that can be found.
                consistency_level="Eventually",
                timeout=seconds,
            )

        return [
            (np.array(hits.distances, np.int32), np.array(hits.ids, np.int64))
            for hits in self._server.search(ask)
        ]


class _Closed:
    """Rows that must not be returned to one query."""

    def __init__(self, rows: NDArray[np.int64], allowed: NDArray[np.bool_] | None) -> None:
        self._rows = rows
        self._among = allowed

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        closed = ~open_rows(rows, self._rows)
        return closed if self._among is None else closed | ~self._among[rows]


def _settled(answer: Results, fetched: int, width: int, closed: _Closed) -> Results | None:
    """The best ``width`` of what Milvus found; None where what it left out could be among them.

    It found all that there is where it found fewer than were to be fetched. Else it may have left
    out rows as far away as the last, and none nearer.
    """
    distances, rows = answer
    kept = ~closed(rows)
    if len(rows) >= fetched and np.count_nonzero(kept & (distances < distances.max())) < width:
        return None
    return _ordered(distances[kept], rows[kept], width)


def _ordered(distances: NDArray[np.int32], rows: NDArray[np.int64], width: int) -> Results:
    return best_of(keys_of(distances, rows), width)
