"""Merged searches return the same results as separate ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.index.errors import SearchUnavailableError
from bitrecall.index.recommend.catalogue import Catalogue, NewItems
from bitrecall.index.recommend.search_steps import (
    SearchRequest,
    SearchSteps,
    run_searches,
    run_steps,
)
from bitrecall.index.releases.release import Release


class CountingCatalogue(Catalogue):
    """Counts its searches; raises ``error`` if it is set."""

    searches = 0
    error: Exception | None = None

    def search(self, *arguments: Any) -> Any:
        self.searches += 1
        if self.error is not None:
            raise self.error
        return super().search(*arguments)


def search_of(
    catalogue: Catalogue, users: int = 1, k: int = 3, allowed: Any = None
) -> SearchRequest:
    codes = catalogue.release.user_codes(np.arange(users))
    return SearchRequest(catalogue, codes, k, [np.array([user]) for user in range(users)], allowed)


@settings(max_examples=60, deadline=None)
@given(
    queries=st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.integers(1, 3), st.integers(0, 2)),
        min_size=1,
        max_size=12,
    )
)
def test_merged_searches_return_the_same_results_as_alone(
    release: Release, queries: list[tuple[bool, int, int, int]]
) -> None:
    new = NewItems(("new",), np.zeros((1, release.bits // 8), np.uint8))
    catalogues = {False: CountingCatalogue(release), True: CountingCatalogue(release, new)}
    masks = {
        has_new: [None, np.ones(len(items), np.bool_), np.arange(len(items)) % 2 == 0]
        for has_new, items in catalogues.items()
    }
    searches = [
        search_of(catalogues[has_new], users, k, masks[has_new][mask])
        for has_new, users, k, mask in queries
    ]
    merged = run_searches(searches)
    kinds = {(has_new, k, mask) for has_new, _, k, mask in queries}
    assert sum(catalogue.searches for catalogue in catalogues.values()) == len(kinds)
    for search, results in zip(searches, merged, strict=True):
        assert not isinstance(results, Exception)
        distances, rows = search.run()
        assert np.array_equal(results[0], distances)
        assert np.array_equal(results[1], rows)


@pytest.mark.parametrize("error", [SearchUnavailableError("unreachable"), ValueError("a fault")])
def test_raises_an_error_only_in_the_requests_it_concerns(
    release: Release, error: Exception
) -> None:
    failing, working = CountingCatalogue(release), CountingCatalogue(release)
    failing.error = error
    results = run_searches([search_of(failing), search_of(working), search_of(failing)])
    assert [results[0], results[2]] == [error, error]
    assert not isinstance(results[1], Exception)
    assert run_searches([search_of(failing)]) == [error]


def test_steps_receive_results_and_errors(release: Release) -> None:
    catalogue = CountingCatalogue(release)

    def steps() -> SearchSteps[list[object]]:
        _, first = yield search_of(catalogue)
        catalogue.error = SearchUnavailableError("unreachable")
        try:
            yield search_of(catalogue)
        except SearchUnavailableError as error:
            catalogue.error = None
            _, second = yield search_of(catalogue)
            return [first.tolist(), error, second.tolist()]
        return []

    first, error, second = run_steps(steps())
    assert isinstance(error, SearchUnavailableError)
    assert first == second == search_of(catalogue).run()[1].tolist()
