from collections.abc import Callable
from dataclasses import replace
from math import exp
from pathlib import Path

import numpy as np
import pytest

from bitrecall.index.errors import SearchError
from bitrecall.index.fold_in.users import SHARE, UserFoldIn
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.writer import write_files, write_manifest


@pytest.fixture(params=[np.float16, np.float32])
def release(
    request: pytest.FixtureRequest, make_contents: Callable[..., ReleaseContents], tmp_path: Path
) -> Release:
    contents = make_contents(items=40)
    messages = contents.fold_in_messages.astype(request.param)
    contents = replace(contents, fold_in_messages=messages)
    write_manifest(tmp_path, write_files(tmp_path, contents, None))
    return Release.open(tmp_path)


def bits_of(code: np.ndarray) -> list[bool]:
    return [bool(code[bit // 8] >> (bit % 8) & 1) for bit in range(16)]


@pytest.mark.parametrize("share", [1.0, 3.0])
def test_codes_are_the_signs_of_mean_messages_partly_through_the_map(
    release: Release, share: float
) -> None:
    rng = np.random.default_rng(0)
    messages = release.fold_in_messages.astype(float)
    learned = release.fold_in_map
    histories = [rng.choice(40, size, replace=False) for size in (1, 2, 7, 40)]
    codes = UserFoldIn(release.fold_in_messages, learned, share).codes(histories)
    assert codes.dtype == np.uint8
    for code, history in zip(codes, histories, strict=True):
        weight = share / (len(history) + share - 1)
        mean = [
            sum(messages[row, bit] for row in history) / len(history) - learned.centre[bit]
            for bit in range(16)
        ]
        mapped = [
            sum(float(learned.matrix[row, bit]) * mean[row] for row in range(16))
            for bit in range(16)
        ]
        total = [
            learned.user[bit] + (1 - weight) * mean[bit] + weight * mapped[bit] for bit in range(16)
        ]
        assert bits_of(code) == [value >= 0 for value in total]


def test_builds_from_a_release(release: Release) -> None:
    history = [np.array([3, 1, 9])]
    expected = UserFoldIn(release.fold_in_messages, release.fold_in_map, SHARE)
    assert np.array_equal(UserFoldIn.of(release).codes(history), expected.codes(history))


def test_the_weight_of_the_map_falls_with_the_number_of_items() -> None:
    ones = np.ones(16, np.float32)
    opposite = FoldInMap(0 * ones, 0 * ones, -np.eye(16, dtype=np.float32))
    one, many = UserFoldIn(np.ones((400, 16)), opposite).codes([np.arange(1), np.arange(400)])
    assert sum(bits_of(one)) == 0
    assert sum(bits_of(many)) == 16


def test_order_and_repetition_do_not_matter(release: Release) -> None:
    codes = UserFoldIn.of(release).codes([np.array([3, 1, 9]), np.array([9, 9, 1, 3, 1])])
    assert np.array_equal(codes[0], codes[1])


def test_returns_no_codes_for_no_histories(release: Release) -> None:
    assert UserFoldIn.of(release).codes([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "history 1 is empty"),
        ([40], "history 1 has a row outside 0 … 39"),
        ([-1], "outside"),
        ([0.5], "outside"),
    ],
)
def test_rejects_invalid_histories(release: Release, history: list[int], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        UserFoldIn.of(release).codes([np.array([1]), np.array(history)])


@pytest.mark.parametrize(
    ("messages", "bits", "message"),
    [
        (np.empty((0, 16)), 16, "without items"),
        (np.ones((3, 16)), 8, "16 values, and the map has 8"),
    ],
)
def test_rejects_no_items_and_a_map_of_another_width(
    messages: np.ndarray, bits: int, message: str
) -> None:
    zeros = np.zeros(bits, np.float32)
    with pytest.raises(SearchError, match=message):
        UserFoldIn(messages, FoldInMap(zeros, zeros, np.eye(bits, dtype=np.float32)))


@pytest.mark.parametrize("decay", [0.7, 3.0])
def test_with_a_decay_newer_items_weigh_more(release: Release, decay: float) -> None:
    learned = release.fold_in_map
    history = [9, 30, 2, 9, 17, 5]
    weights = {
        row: round(4096 * exp(-age / decay)) / 4096 for age, row in enumerate([5, 17, 9, 2, 30])
    }
    count = sum(weights.values())
    total = sum(
        weight * release.fold_in_messages[row].astype(float) for row, weight in weights.items()
    )
    mean = total / count - learned.centre
    share = SHARE / (count + SHARE - 1)
    expected = learned.user + (1 - share) * mean + share * (mean @ learned.matrix.astype(float))
    fold_in = UserFoldIn(release.fold_in_messages, learned, decay=decay)
    assert bits_of(fold_in.codes([np.array(history)])[0]) == (expected >= 0).tolist()


def test_a_decay_changes_nothing_for_a_single_item(release: Release) -> None:
    history = [np.array([3, 3])]
    with_decay = UserFoldIn(release.fold_in_messages, release.fold_in_map, decay=0.5)
    assert np.array_equal(with_decay.codes(history), UserFoldIn.of(release).codes(history))


def test_with_a_decay_rejects_invalid_histories(release: Release) -> None:
    fold_in = UserFoldIn(release.fold_in_messages, release.fold_in_map, decay=2.0)
    for history, message in (([], "is empty"), ([40], "outside"), ([-1], "outside")):
        with pytest.raises(SearchError, match=f"history 1 .*{message}"):
            fold_in.codes([np.array([1]), np.array(history)])
