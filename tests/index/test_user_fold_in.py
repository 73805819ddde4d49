from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.errors import SearchError
from index.release import Release, ReleaseContents
from index.user_fold_in import PULL, UserFoldIn
from index.writer import write_files, write_manifest


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


@pytest.mark.parametrize("pull", [0.0, 0.4, 2.0])
def test_codes_are_the_signs_of_sums_drawn_towards_the_mean_user(
    release: Release, pull: float
) -> None:
    rng = np.random.default_rng(0)
    messages = release.fold_in_messages.astype(float)
    users = release.user_embeddings.astype(float)
    histories = [rng.choice(40, size, replace=False) for size in (1, 2, 7, 40)]
    codes = UserFoldIn(messages, users, pull).codes(histories)
    assert codes.dtype == np.uint8
    mean = [sum(users[:, bit]) / len(users) for bit in range(16)]
    mean_size = sum(map(abs, mean)) / 16
    size = sum(abs(value) for row in messages for value in row) / messages.size
    for code, history in zip(codes, histories, strict=True):
        total = [
            sum(messages[row, bit] for row in history)
            + pull * len(history) ** 0.5 * size * mean[bit] / mean_size
            for bit in range(16)
        ]
        assert bits_of(code) == [value >= 0 for value in total]


def test_a_release_has_all_that_it_takes(release: Release) -> None:
    history = [np.array([3, 1, 9])]
    plain = UserFoldIn(release.fold_in_messages, release.user_embeddings, PULL)
    assert np.array_equal(UserFoldIn.of(release).codes(history), plain.codes(history))


def test_many_items_outweigh_the_mean_user() -> None:
    rng = np.random.default_rng(1)
    mean = np.ones((50, 16))
    messages = -np.abs(rng.standard_normal((400, 16)))
    fold_in = UserFoldIn(messages, mean, pull=2.0)
    one, many = fold_in.codes([np.arange(1), np.arange(400)])
    assert sum(bits_of(one)) > 10
    assert sum(bits_of(many)) == 0


def test_of_very_many_rows_some_are_enough() -> None:
    rng = np.random.default_rng(2)
    users = (rng.standard_normal((100_000, 16)) + rng.standard_normal(16)).astype(np.float32)
    messages = rng.standard_normal((40, 16))
    history = [np.array([row]) for row in range(40)]
    some = UserFoldIn(messages, users).codes(history)
    every = UserFoldIn(messages, users.mean(axis=0, keepdims=True)).codes(history)
    assert np.mean(some == every) > 0.95


def test_neither_order_nor_repetition_counts(release: Release) -> None:
    codes = UserFoldIn.of(release).codes([np.array([3, 1, 9]), np.array([9, 9, 1, 3, 1])])
    assert np.array_equal(codes[0], codes[1])


def test_no_histories_give_no_codes(release: Release) -> None:
    assert UserFoldIn.of(release).codes([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([], "history 1 is empty"),
        ([40], "history 1 has a row outside 0 … 39"),
        ([-1], "outside"),
        ([0.5], "outside"),
    ],
)
def test_histories_that_make_no_sense_are_refused(
    release: Release, history: list[int], said: str
) -> None:
    with pytest.raises(SearchError, match=said):
        UserFoldIn.of(release).codes([np.array([1]), np.array(history)])


@pytest.mark.parametrize(
    ("messages", "users", "said"),
    [
        (np.empty((0, 16)), np.ones((3, 16)), "without users and items"),
        (np.ones((3, 16)), np.empty((0, 16)), "without users and items"),
        (np.ones((3, 16)), np.ones((3, 8)), "16 values and users 8"),
    ],
)
def test_there_have_to_be_users_and_items_to_go_by(
    messages: np.ndarray, users: np.ndarray, said: str
) -> None:
    with pytest.raises(SearchError, match=said):
        UserFoldIn(messages, users)
