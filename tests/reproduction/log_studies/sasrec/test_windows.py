import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.reproduction.log_studies.sasrec.windows import batches, padded, training_windows


@given(st.lists(st.integers(0, 12), min_size=1, max_size=4), st.integers(1, 5))
def test_each_item_but_the_first_is_a_target_once(sizes, length):
    starts = np.cumsum([0, *sizes])
    histories = [np.arange(start, start + size) for start, size in zip(starts, sizes, strict=False)]
    windows = training_windows(histories, length)
    targets = [item for window in windows for item in window[1:]]
    assert sorted(targets) == sorted(item for history in histories for item in history[1:])
    assert all(2 <= len(window) <= length + 1 for window in windows)


def test_the_newest_window_is_full():
    assert [list(window) for window in training_windows([np.arange(6)], 3)] == [
        [2, 3, 4, 5],
        [0, 1, 2],
    ]


def test_batches_have_every_window_once_and_little_padding():
    generator = np.random.default_rng(0)
    windows = [np.full(size, number) for number, size in enumerate(generator.integers(2, 90, 500))]
    groups = list(batches(windows, 32, generator))
    assert sorted(int(window[0]) for group in groups for window in group) == list(range(500))
    assert max(map(len, groups)) == 32
    cells = sum(len(group) * max(map(len, group)) for group in groups)
    assert cells < 1.2 * sum(map(len, windows))


def test_batches_differ_between_epochs():
    generator = np.random.default_rng(0)
    windows = [np.full(2, number) for number in range(50)]
    first, second = (
        [int(window[0]) for group in batches(windows, 8, generator) for window in group]
        for _ in range(2)
    )
    assert first != second


@pytest.mark.parametrize("rows", [[[4, 5], [6]], [[], []]])
def test_pads_at_the_end(rows):
    items, lengths = padded([np.array(row, int) for row in rows], 9)
    assert lengths.tolist() == [len(row) for row in rows]
    for row, line in zip(rows, items.tolist(), strict=True):
        assert line == row + [9] * (len(line) - len(row))
