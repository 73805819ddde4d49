import numpy as np
import pytest

from bitrecall.training.retraining.collect import collect
from bitrecall.training.retraining.popularity_drift import popularity_drift

# Item 0 has 20 users, item 1 has 19, and so on.
LONG_TAIL = {f"u{user}": [f"i{item:02}" for item in range(20 - user)] for user in range(20)}


def test_is_0_for_popular_items_and_1_for_equally_likely_items(publish, event) -> None:
    parent = publish(LONG_TAIL)
    generator = np.random.default_rng(0)
    shares = np.asarray(parent.popularity) / parent.popularity.sum()
    for chances, expected in ((shares, 0.0), (np.full(20, 0.05), 1.0)):
        drawn = generator.choice(20, size=4000, p=chances)
        events = [event(f"new {number}", f"i{item:02}") for number, item in enumerate(drawn)]
        assert popularity_drift(parent, collect(parent, None, events)) == pytest.approx(
            expected, abs=0.15
        )
    assert popularity_drift(parent, collect(parent, None, [event("u", "new")])) == 0


def test_is_0_if_all_items_are_equally_popular(publish, event) -> None:
    parent = publish({f"u{user}": ["x", "y", "z"] for user in range(9)})
    assert popularity_drift(parent, collect(parent, None, [event("new", "z")])) == 0
