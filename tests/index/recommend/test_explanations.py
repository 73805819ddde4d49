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


@given(items=rows, history=st.dictionaries(st.integers(0, 60), st.integers(1, 8), max_size=20))
def test_weights_multiply_the_scores(
    release: Release, items: list[int], history: dict[int, int]
) -> None:
    catalogue = Catalogue(release, NEW)
    codes = catalogue.codes_of(np.arange(61))
    distances = hamming_distances(codes, codes)
    weights = {row: weight / 8 for row, weight in history.items()}
    expected = []
    for item in items:
        others = sorted(
            (-weight * (16 - 2 * int(distances[item, row])), row)
            for row, weight in weights.items()
            if row != item
        )
        expected.append(
            [
                Explanation(
                    catalogue.ids_of(np.array([row]))[0],
                    int(distances[item, row]),
                    round(weights[row], 3),
                )
                for _, row in others[:MAX_EXPLANATIONS]
            ]
        )
    weighted = (
        np.array(sorted(weights), np.int64),
        np.array([weights[r] for r in sorted(weights)]),
    )
    explanations = explain(catalogue, np.array(items, np.int64), np.arange(61), weighted)
    assert [list(item) for item in explanations] == expected


def test_uses_only_the_items_with_the_largest_weights(release: Release) -> None:
    rows = np.arange(MAX_HISTORY + 1)
    weights = np.full(MAX_HISTORY + 1, 0.5)
    weights[3] = 0.1
    ids = [row % 60 for row in rows]
    ((first, *_),) = explain(
        Catalogue(release), np.array([5]), rows, (np.sort(np.array(ids)), weights)
    )
    assert first.weight == 0.5
