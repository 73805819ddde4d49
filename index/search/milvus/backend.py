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
    CodesFingerprint,
    CollectionInfo,
    read_info,
    search_params,
)
from bitrecall.index.search.milvus.completeness import QueryFilter, merge, nearest_if_complete
from bitrecall.index.search.milvus.server import MilvusServer
from bitrecall.index.search.protocol import Results

if TYPE_CHECKING:
    from pymilvus import MilvusClient

# Maximum number of rows that Milvus returns per query.
MAX_LIMIT: Final = 16_384

# Excluded rows are fetched and dropped: on 41,000 codes, fetching 1,000 more rows takes 1.2 ms
# more, and a filter expression that excludes 1,000 takes 7 ms more; for 10,000 it is 17 and 58 ms.
# A query that excludes more rows than this is searched alone, because all queries of a call fetch
# equally many rows.
_MAX_EXCLUDED_IN_BATCH: Final = 256

# Up to this many allowed rows are listed in the filter expression.
_MAX_ROWS_IN_EXPRESSION: Final = 4_096

# Additional rows to fetch, for ties at the distance of the last item.
_SPARE_FOR_TIES: Final = 64


class MilvusBackend:
    """Search in the Milvus collection with a release's item codes.

    Milvus orders ties arbitrarily. If a response may omit an item that belongs to the result, the
    search is repeated in ranges of rows, until the result is as
    ``bitrecall.index.search.protocol.SearchBackend.search`` defines it. With BIN_FLAT it is exact.
    With BIN_IVF_FLAT it may miss a nearer item in a list that is not searched.

    Args:
        server: the server to search on.
        name: name of the collection.
        expected: fingerprint of the release's item codes.
        info: the contents of the collection; if None, they are read by the first search and
            compared with ``expected``.
        limit: maximum number of rows to fetch per query.
        fill: search all lists if the nearest ones hold too few items.
    """

    def __init__(
        self,
        server: MilvusServer,
        name: str,
        expected: CodesFingerprint,
        info: CollectionInfo | None = None,
        limit: int = MAX_LIMIT,
        *,
        fill: bool = True,
    ) -> None:
        self._server = server
        self._name = name
        self._expected = expected
        self._info = info
        self._limit = limit
        self._fill = fill

    def check(self) -> CollectionInfo:
        """Return the contents of the collection.

        Raises:
            SearchUnavailableError: the server does not respond.
            ReleaseError: the collection does not exist, or has other codes than expected.
        """
        if self._info is None:
            info = read_info(self._server, self._name)
            where = f"Milvus at {self._server.url}"
            if info is None:
                raise ReleaseError(
                    f"{where} has no collection {self._name} written by Bitrecall: "
                    "'bitrecall release activate' with --milvus writes it"
                )
            if info.fingerprint != self._expected:
                raise ReleaseError(
                    f"{where}: collection {self._name} has the codes of another release"
                )
            self._info = info
        return self._info

    @property
    def bits(self) -> int:
        """Code length in bits."""
        return self._expected.bits

    @property
    def is_fast(self) -> bool:
        """False: a search waits for another process."""
        return False

    def __len__(self) -> int:
        """Return the number of items."""
        return self._expected.items

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Find the ``k`` nearest items of each query; see ``SearchBackend.search``.

        Raises:
            SearchError: see ``SearchBackend.search``.
            SearchUnavailableError: the server does not respond, or does not have the collection.
        """
        codes = check_search(codes, k, self.bits // 8)
        no_rows = [np.empty(0, np.int64)] * len(codes)
        excluded = no_rows if exclude is None else check_exclude(exclude, len(codes), len(self))
        allowed = None if allowed is None else check_allowed(allowed, len(self))
        distances, rows = empty_results(len(codes), k)
        width = min(k, len(self))
        if width == 0 or len(codes) == 0 or (allowed is not None and not allowed.any()):
            return distances, rows
        sizes = np.array([len(rows_of_query) for rows_of_query in excluded])
        few = np.flatnonzero(sizes <= _MAX_EXCLUDED_IN_BATCH)
        groups = [few] if len(few) else []
        groups += [np.array([query]) for query in np.flatnonzero(sizes > _MAX_EXCLUDED_IN_BATCH)]
        try:
            info = self.check()
        except ReleaseError as error:
            raise SearchUnavailableError(str(error)) from error
        for group in groups:
            results = self._search_group(
                codes[group], width, [excluded[i] for i in group], allowed, info
            )
            for query, (near, which) in zip(group, results, strict=True):
                distances[query, : len(which)], rows[query, : len(which)] = near, which
        return distances, rows

    def _search_group(
        self,
        codes: NDArray[np.uint8],
        width: int,
        excluded: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
        info: CollectionInfo,
    ) -> list[Results]:
        """Search for all queries in one call; repeat those whose response may be incomplete."""
        unlisted, expression = allowed, ""
        fetched = 2 * width + _SPARE_FOR_TIES + max(len(rows) for rows in excluded)
        if allowed is not None:
            n_allowed = int(np.count_nonzero(allowed))
            if n_allowed <= _MAX_ROWS_IN_EXPRESSION:
                unlisted, expression = None, f"{ROW} in {np.flatnonzero(allowed).tolist()}"
            else:
                fetched = fetched * len(self) // n_allowed
        fetched = min(fetched, self._limit)
        results = []
        responses = self._query(codes, fetched, expression, info.nprobe)
        for code, rows, response in zip(codes, excluded, responses, strict=True):
            result = nearest_if_complete(response, fetched, width, QueryFilter(rows, unlisted))
            row_filter = QueryFilter(rows, allowed)
            if result is None:
                result = self._search_range(code, width, row_filter, info.nprobe)
            if len(result[1]) < width and info.nlist and self._fill:
                result = self._search_range(code, width, row_filter, info.nlist)
            results.append(result)
        return results

    def _search_range(
        self,
        code: NDArray[np.uint8],
        width: int,
        row_filter: QueryFilter,
        nprobe: int,
        low: int = 0,
        high: int | None = None,
    ) -> Results:
        """Search the rows low … high - 1, in halves if one response may be incomplete."""
        high = len(self) if high is None else high
        # One more than the range has, so that a response with all of its rows counts as complete.
        fetched = min(high - low + 1, self._limit)
        response = self._query(code[None], fetched, f"{low} <= {ROW} < {high}", nprobe)[0]
        result = nearest_if_complete(response, fetched, width, row_filter)
        if result is not None:
            return result
        middle = (low + high) // 2
        lower = self._search_range(code, width, row_filter, nprobe, low, middle)
        upper = self._search_range(code, width, row_filter, nprobe, middle, high)
        return merge([lower, upper], width)

    def _query(
        self, codes: NDArray[np.uint8], limit: int, expression: str, nprobe: int
    ) -> list[Results]:
        """Return up to ``limit`` distances and rows per query, nearest first, from Milvus."""

        def call(client: MilvusClient, timeout: float) -> Any:
            return client.search(
                self._name,
                data=[code.tobytes() for code in codes],
                anns_field=CODE,
                limit=limit,
                filter=expression,
                search_params=search_params(nprobe),
                # A collection is never written to after it gets its name.
                consistency_level="Eventually",
                timeout=timeout,
            )

        return [
            (np.array(hits.distances, np.int32), np.array(hits.ids, np.int64))
            for hits in self._server.search(call)
        ]
