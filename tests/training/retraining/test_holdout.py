import numpy as np
import pytest

from bitrecall.training.retraining.collect import collect
from bitrecall.training.retraining.holdout import split_latest


def test_holds_out_the_latest_new_pairs(publish, event) -> None:
    parent = publish({"a": ["x", "y"], "b": ["x"]})
    events = [event("b", "y", at=5.0), event("c", "x", at=9.0), event("c", "y", at=2.0)]
    data = collect(parent, None, [*events, event("a", "new", at=1.0)])
    train, held_out = split_latest(data, 0.5, seed=0)
    assert _names(held_out) == {("b", "y"), ("c", "x")}
    assert _names(train) == {("a", "x"), ("a", "y"), ("b", "x"), ("c", "y"), ("a", "new")}
    assert train.user_ids is held_out.user_ids


def test_pairs_without_a_time_are_the_oldest(publish, event) -> None:
    data = collect(None, None, [event("a", f"i{n}", at=float(n)) for n in range(4)])
    data.moments[2:] = np.nan
    _, held_out = split_latest(data, 0.5, seed=0)
    assert _names(held_out) == {("a", "i0"), ("a", "i1")}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.9])
def test_holds_out_random_pairs_without_times(event, share) -> None:
    data = collect(None, None, [event(f"u{n}", f"i{n}") for n in range(40)])
    cuts = [_names(split_latest(data, share, seed)[1]) for seed in (0, 0, 1)]
    assert len(cuts[0]) == 40 * share
    assert cuts[0] == cuts[1] != cuts[2]


def _names(pairs) -> set[tuple[str, str]]:
    return {
        (pairs.user_ids[user], pairs.item_ids[item])
        for user, item in zip(pairs.users, pairs.items, strict=True)
    }
