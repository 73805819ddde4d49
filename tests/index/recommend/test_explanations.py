import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.recommend.catalogue import Catalogue, NewItems
from bitrecall.index.recommend.explanations import MAX_EXPLANATIONS, MAX_HISTORY, explain
from bitrecall.index.recommend.types import Explanation
from bitrecall.index.releases.release import Release
from bitrecall.index.search.packing import hamming_distances

NEW = NewItems(["new"], np.array([[7, 9]], np.uint8))
rows = st.lists(st.integers(0, 60), unique=True, max_size=20)


@given(items=rows, history=rows)
def test_explains_by_the_nearest_items_of_the_user(
    release: Release, items: list[int], history: list[int]
) -> None:
    catalogue = Catalogue(release, NEW)
    codes = catalogue.codes_of(np.arange(61))
    distances = hamming_distances(codes, codes)
    expected = []
    for item in items:
        others = sorted((int(distances[item, other]), other) for other in history if other != item)
        expected.append(
            [
                Explanation(catalogue.ids_of(np.array([other]))[0], distance)
                for distance, other in others[:MAX_EXPLANATIONS]
            ]
        )
    explanations = explain(catalogue, np.array(items, np.int64), np.array(history, np.int64))
    assert [list(item) for item in explanations] == expected


def test_uses_only_the_newest_items_of_a_long_history(release: Release) -> None:
    catalogue = Catalogue(release)
    history = np.concatenate([[5], np.full(MAX_HISTORY, 6)])
    ((first, *_),) = explain(catalogue, np.array([5]), history)
    assert first.item_id == "item 6"
