"""Recording many observations at once equals recording them one by one."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from bitrecall.service.observability.tally import TalliedHistogram, Tally

BOUNDS = (0.1, 0.5, 2)


@given(st.lists(st.sampled_from([0, 0.1, 0.25, 0.5, 1, 2, 3.5])))
def test_many_observations_equal_single_observations(amounts: list[float]) -> None:
    texts = []
    for kind in (Histogram, TalliedHistogram):
        registry = CollectorRegistry()
        histogram = kind("seconds", "Some.", ["path"], buckets=BOUNDS, registry=registry)
        if isinstance(histogram, TalliedHistogram):
            histogram.labels("/there").observe_all(amounts)
        else:
            for amount in amounts:
                histogram.labels("/there").observe(amount)
        lines = generate_latest(registry).splitlines()
        texts.append([line for line in lines if b"_created" not in line])
    if amounts:
        assert texts[0] == texts[1]


def test_drain_removes_the_entries() -> None:
    tally = Tally[int]()
    tally.add(1)
    tally.add(2)
    assert tally.drain() == [1, 2]
    tally.add(3)
    assert tally.drain() == [3]
    assert tally.drain() == []
