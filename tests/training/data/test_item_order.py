import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items

pair_lists = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=20)


def interactions(pairs: list[tuple[int, int]]) -> Interactions:
    users, items = (np.array(side, np.int32) for side in zip(*pairs, strict=True))
    return collapse(list("ABCDE"), list("uvwxyz"), users, items)


def named(interactions: Interactions) -> set[tuple[str, str]]:
    rows = zip(interactions.users, interactions.items, strict=True)
    return {(interactions.user_ids[user], interactions.item_ids[item]) for user, item in rows}


@given(pair_lists)
def test_orders_items_by_descending_popularity(pairs):
    before = interactions(pairs)
    after = reorder_items(before, popularity_order(before))
    assert named(after) == named(before)
    degrees = after.item_degrees
    assert (degrees[1:] <= degrees[:-1]).all()


def test_items_of_equal_popularity_keep_their_order():
    before = interactions([(0, 4), (1, 4), (0, 1), (0, 3)])
    assert popularity_order(before).tolist() == [4, 1, 3, 0, 2, 5]


def test_reordering_items_keeps_the_places_of_pairs():
    before = interactions([(1, 0), (0, 4), (1, 4), (0, 1)])
    after = reorder_items(before, popularity_order(before))
    places = [
        dict(
            zip(
                zip(
                    part.users.tolist(),
                    [part.item_ids[item] for item in part.items],
                    strict=True,
                ),
                part.places.tolist(),
                strict=True,
            )
        )
        for part in (before, after)
    ]
    assert places[0] == places[1] == {(1, "u"): 0, (0, "y"): 1, (1, "y"): 2, (0, "v"): 3}
