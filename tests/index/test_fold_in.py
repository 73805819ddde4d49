from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import SearchError
from index.fold_in import ItemFoldIn, fold_in_codes
from index.packing import pack_signs, unpack_signs
from index.release import Release, ReleaseContents
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


def test_codes_are_the_signs_of_the_sums(release: Release) -> None:
    rng = np.random.default_rng(0)
    histories = [rng.choice(40, size, replace=False) for size in (1, 2, 7, 40)]
    codes = fold_in_codes(release, histories)
    assert codes.dtype == np.uint8
    for code, history in zip(codes, histories, strict=True):
        total = [
            sum(float(release.fold_in_messages[row, bit]) for row in history) for bit in range(16)
        ]
        bits = [bool(code[bit // 8] >> (bit % 8) & 1) for bit in range(16)]
        assert bits == [value >= 0 for value in total]


def test_neither_order_nor_repetition_counts(release: Release) -> None:
    codes = fold_in_codes(release, [np.array([3, 1, 9]), np.array([9, 9, 1, 3, 1])])
    assert np.array_equal(codes[0], codes[1])


def test_no_histories_give_no_codes(release: Release) -> None:
    assert fold_in_codes(release, []).shape == (0, 2)


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
        fold_in_codes(release, [np.array([1]), np.array(history)])


def a_catalogue(seed: int, users: int = 30, items: int = 50, bits: int = 16) -> ItemFoldIn:
    """Users who have something in common, so that there is a mean code to shift along."""
    rng = np.random.default_rng(seed)
    return ItemFoldIn(
        (rng.normal(size=(users, bits)) + rng.normal(size=bits)).astype(np.float32),
        rng.integers(1, 20, users),
        pack_signs(rng.normal(size=(items, bits))),
        np.sort(rng.integers(0, 40, items))[::-1],
    )


def mean_code(fold_in: ItemFoldIn, users: int = 30) -> np.ndarray:
    """The mean of the users' codes, from outside: an audience of one has its user's signs."""
    alone = [unpack_signs(pack_signs(fold_in.sums([np.array([user])])))[0] for user in range(users)]
    return np.mean(alone, axis=0)


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(1, 30))
def test_items_score_on_average_what_items_of_their_popularity_do(seed: int, size: int) -> None:
    fold_in = a_catalogue(seed)
    audience = np.random.default_rng(seed).choice(30, size, replace=False)
    signs = unpack_signs(fold_in.codes([audience]))[0].astype(float)
    common, total = mean_code(fold_in), fold_in.sums([audience])[0]
    wanted = fold_in.expected_score(size)

    # Between two neighbouring crossings the signs do not change: one shift each, and both ends.
    crossings = np.sort([-t / c for t, c in zip(total, common, strict=True) if c])
    inner = (crossings[1:] + crossings[:-1]) / 2
    shifts = [crossings[0] - 1, *inner, crossings[-1] + 1] if len(crossings) else [0.0]
    reachable = [np.where(total + shift * common >= 0, 1.0, -1.0) for shift in shifts]
    nearest = min(abs(code @ common - wanted) for code in reachable)
    assert abs(signs @ common - wanted) == pytest.approx(nearest, abs=1e-9)
    assert any(np.array_equal(signs, code) for code in reachable)


def test_the_expected_score_is_that_of_the_catalogue() -> None:
    # Users agree on the first half of the bits; items of ten users go along, those of one do not.
    users = np.ones((4, 16), np.float32)
    users[:2, 8:] = -1
    items = np.ones((48, 16))
    items[24:, :4] = -1
    fold_in = ItemFoldIn(users, np.ones(4, int), pack_signs(items), np.repeat([10, 1], 24))
    assert fold_in.expected_score(10) == pytest.approx(8)
    assert fold_in.expected_score(1) == pytest.approx(0)
    assert 0 < fold_in.expected_score(3) < 8
    assert fold_in.expected_score(500) == pytest.approx(8)


def test_users_with_fewer_items_say_more_of_each() -> None:
    users = np.ones((2, 8), np.float32)
    users[1] = -1
    fold_in = ItemFoldIn(users, np.array([9, 4]), pack_signs(np.ones((3, 8))), np.ones(3, int))
    assert fold_in.sums([np.array([0, 1])])[0] == pytest.approx(np.full(8, 1 / 3 - 1 / 2))


def test_an_audience_that_tells_nothing_apart_keeps_its_signs() -> None:
    # Two users with opposite codes: the mean code is zero, and there is nothing to shift along.
    users = np.array([[1.0] * 8, [-1.0] * 8], np.float32)
    fold_in = ItemFoldIn(users, np.array([1, 1]), pack_signs(np.ones((3, 8))), np.ones(3, int))
    assert np.array_equal(fold_in.codes([np.array([0]), np.array([1])]), [[255], [0]])


def test_neither_order_nor_repetition_counts_in_an_audience() -> None:
    codes = a_catalogue(0).codes([np.array([3, 1, 9]), np.array([9, 9, 1, 3, 1])])
    assert np.array_equal(codes[0], codes[1])


def test_items_are_folded_into_a_release_by_what_it_holds(release: Release) -> None:
    degrees = np.array([len(release.seen[user]) for user in range(release.n_users)])
    by_hand = ItemFoldIn(
        np.asarray(release.user_embeddings), degrees, release.item_codes, release.popularity
    )
    audiences = [np.arange(3), np.array([1])]
    assert np.array_equal(ItemFoldIn.of(release).codes(audiences), by_hand.codes(audiences))


@pytest.mark.parametrize(("audience", "said"), [([], "audience 0 is empty"), ([30], "outside 0")])
def test_audiences_that_make_no_sense_are_refused(audience: list[int], said: str) -> None:
    with pytest.raises(SearchError, match=said):
        a_catalogue(0).codes([np.array(audience, int)])


def test_items_need_users_and_items_to_go_by() -> None:
    codes = pack_signs(np.ones((1, 8)))
    with pytest.raises(SearchError, match="without users and items"):
        ItemFoldIn(np.ones((0, 8), np.float32), np.ones(0, int), codes, np.ones(1, int))
    with pytest.raises(SearchError, match="8 bits"):
        ItemFoldIn(np.ones((2, 16), np.float32), np.ones(2, int), codes, np.ones(1, int))
