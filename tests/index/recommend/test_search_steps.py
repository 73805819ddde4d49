"""Searches that are done as one find what each finds alone."""

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


class Counted(Catalogue):
    """Counts its searches, and fails where it is told to."""

    searches = 0
    error: Exception | None = None

    def search(self, *given: Any) -> Any:
        self.searches += 1
        if self.error is not None:
            raise self.error
        return super().search(*given)


def search_of(
    catalogue: Catalogue, users: int = 1, k: int = 3, allowed: Any = None
) -> SearchRequest:
    codes = catalogue.release.user_codes(np.arange(users))
    return SearchRequest(catalogue, codes, k, [np.array([user]) for user in range(users)], allowed)


@settings(max_examples=60, deadline=None)
@given(
    asked=st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.integers(1, 3), st.integers(0, 2)),
        min_size=1,
        max_size=12,
    )
)
def test_each_finds_what_it_finds_alone(
    release: Release, asked: list[tuple[bool, int, int, int]]
) -> None:
    new = NewItems(("new",), np.zeros((1, release.bits // 8), np.uint8))
    catalogues = {False: Counted(release), True: Counted(release, new)}
    masks = {
        fresh: [None, np.ones(len(one), np.bool_), np.arange(len(one)) % 2 == 0]
        for fresh, one in catalogues.items()
    }
    searches = [
        search_of(catalogues[fresh], users, k, masks[fresh][mask])
        for fresh, users, k, mask in asked
    ]
    found = run_searches(searches)
    kinds = {(fresh, k, mask) for fresh, _, k, mask in asked}
    assert sum(one.searches for one in catalogues.values()) == len(kinds)
    for one, results in zip(searches, found, strict=True):
        assert not isinstance(results, Exception)
        distances, rows = one.run()
        assert np.array_equal(results[0], distances)
        assert np.array_equal(results[1], rows)


@pytest.mark.parametrize("error", [SearchUnavailableError("away"), ValueError("a fault")])
def test_what_goes_wrong_is_told_to_those_whom_it_concerns(
    release: Release, error: Exception
) -> None:
    failing, sound = Counted(release), Counted(release)
    failing.error = error
    found = run_searches([search_of(failing), search_of(sound), search_of(failing)])
    assert [found[0], found[2]] == [error, error]
    assert not isinstance(found[1], Exception)
    assert run_searches([search_of(failing)]) == [error]


def test_steps_taken_alone_go_on_with_what_was_found_or_is_not_there(release: Release) -> None:
    catalogue = Counted(release)

    def steps() -> SearchSteps[list[object]]:
        _, first = yield search_of(catalogue)
        catalogue.error = SearchUnavailableError("away")
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
