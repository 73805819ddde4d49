import numpy as np
import pytest

from bitrecall.index.errors import SearchError
from bitrecall.index.recommend.catalogue import Catalogue, NewItems
from bitrecall.index.releases.filters import Condition, ItemFilter
from bitrecall.index.releases.release import Release

CODES = np.array([[1, 2], [3, 4]], np.uint8)
NEW = NewItems(["new 0", "ñ new/1"], CODES)


def test_new_items_come_after_the_items_of_the_release(release: Release) -> None:
    catalogue = Catalogue(release, NEW)
    assert (len(catalogue), len(Catalogue(release))) == (62, 60)
    assert [catalogue.row_of(item) for item in ("item 4", "new 0", "ñ new/1")] == [4, 60, 61]
    assert catalogue.row_of("unknown") is None
    rows = np.array([61, 4, 60])
    assert catalogue.ids_of(rows) == ["ñ new/1", "item 4", "new 0"]
    assert np.array_equal(catalogue.codes_of(rows)[[0, 2]], CODES[::-1])
    assert np.array_equal(catalogue.codes_of(rows)[1], release.item_codes[4])


def test_returns_distinct_rows_in_the_order_of_their_last_occurrence(release: Release) -> None:
    rows = Catalogue(release, NEW).rows_of(["new 0", "unknown", "item 2", "new 0", "item 0"])
    assert rows.tolist() == [2, 60, 0]
    assert Catalogue(release).rows_of([]).dtype == np.int64


def test_rejects_new_codes_of_another_length(release: Release) -> None:
    with pytest.raises(SearchError, match="24 bits, items of the release have 16"):
        Catalogue(release, NewItems(["a"], np.zeros((1, 3), np.uint8)))


def test_popular_items_are_the_first_allowed(release: Release) -> None:
    catalogue = Catalogue(release, NEW)
    no_rows = np.empty(0, np.int64)
    assert catalogue.popular(3, no_rows, None).tolist() == [0, 1, 2]
    assert catalogue.popular(3, np.array([1, 0]), None).tolist() == [2, 3, 4]
    allowed = np.isin(np.arange(62), [1, 5, 61])
    assert catalogue.popular(9, np.array([1]), allowed).tolist() == [5, 61]
    assert len(catalogue.popular(100, no_rows, None)) == 62


def test_a_filter_with_requirements_excludes_new_items(release: Release) -> None:
    catalogue = Catalogue(release, NEW)
    assert catalogue.matching(ItemFilter(no_tags=frozenset({"jazz"})))[60:].all()
    assert not catalogue.matching(ItemFilter(any_tags=frozenset({"jazz"})))[60:].any()
    assert not catalogue.matching(ItemFilter(where=(("price", Condition()),)))[60:].any()


def test_masks_are_cached_and_read_only(release: Release) -> None:
    catalogue = Catalogue(release)
    first = catalogue.matching(ItemFilter(any_tags=frozenset({"jazz"})))
    assert catalogue.matching(ItemFilter(any_tags=frozenset({"jazz"}))) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = True


@pytest.mark.parametrize("new", [None, NEW])
def test_a_search_with_a_huge_k_returns_all_items(release: Release, new: NewItems | None) -> None:
    catalogue = Catalogue(release, new)
    distances, rows = catalogue.search(release.item_codes[:1], 10**15, None, None)
    assert distances.shape == (1, len(catalogue))
    assert sorted(rows[0]) == list(range(len(catalogue)))
