from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.index.errors import SearchError
from bitrecall.index.fold_in.items import ItemFoldIn
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.writer import write_files, write_manifest
from bitrecall.index.search.packing import pack_signs, unpack_signs

pytestmark = pytest.mark.slow

USERS, ITEMS, BITS = 30, 80, 16
LIST_LENGTH = 50


@pytest.fixture
def release(make_contents: Callable[..., ReleaseContents], tmp_path: Path) -> Release:
    write_manifest(tmp_path, write_files(tmp_path, make_contents(items=40), None))
    return Release.open(tmp_path)


def random_fold_in(seed: int) -> tuple[ItemFoldIn, np.ndarray, np.ndarray]:
    """Return a fold-in with users who have something in common, so the mean code is not zero."""
    rng = np.random.default_rng(seed)
    users = (rng.normal(size=(USERS, BITS)) + rng.normal(size=BITS)).astype(np.float32)
    items = pack_signs(rng.normal(size=(ITEMS, BITS)))
    popularity = np.sort(rng.integers(0, 40, ITEMS))[::-1]
    fold_in = ItemFoldIn(users, rng.integers(1, 20, USERS), items, popularity)
    return fold_in, users, items


def signs_of(values: np.ndarray) -> np.ndarray:
    return np.where(values >= 0, 1, -1)


def shares_of_lists(users: np.ndarray, items: np.ndarray, code: np.ndarray) -> float:
    """Return the share of users with the item in their list, if it loses every tie."""
    listed = 0
    for user in signs_of(users):
        others = sorted(
            (int(user @ item) for item in unpack_signs(items).astype(int)), reverse=True
        )
        listed += int(user @ code) > others[LIST_LENGTH - 1]
    return listed / len(users)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 500), st.integers(1, USERS))
def test_flips_the_fewest_bits_that_limit_the_exposure(seed: int, size: int) -> None:
    fold_in, users, items = random_fold_in(seed)
    audience = np.random.default_rng(seed).choice(USERS, size, replace=False)
    code = unpack_signs(fold_in.codes([audience]))[0].astype(int)
    common, total = signs_of(users).mean(axis=0), fold_in.sums([audience])[0]
    limit = fold_in.expected_exposure(size)

    # All codes on the way: the bits that agree with the mean, flipped one by one.
    agreeing = [bit for bit in range(BITS) if signs_of(total)[bit] * common[bit] > 0]
    reachable = [signs_of(total)]
    for bit in sorted(agreeing, key=lambda bit: total[bit] / common[bit]):
        reachable.append(reachable[-1] * np.where(np.arange(BITS) == bit, -1, 1))
    flips = [np.array_equal(code, other) for other in reachable].index(True)
    exposures = [shares_of_lists(users, items, other) for other in reachable]
    assert exposures[flips] <= limit or flips == len(agreeing)
    assert flips == 0 or exposures[flips - 1] > limit


def test_exposure_is_the_share_of_users_with_the_item_in_their_list() -> None:
    fold_in, users, items = random_fold_in(3)
    codes = signs_of(np.random.default_rng(0).normal(size=(5, BITS)))
    expected = [shares_of_lists(users, items, code) for code in codes]
    assert fold_in.exposure(codes) == pytest.approx(expected)


def test_the_expected_exposure_is_that_of_the_catalogue() -> None:
    # All users are alike. Fifty items match them and have ten users each; the others do neither.
    users = np.ones((4, 16), np.float32)
    items = np.ones((100, 16))
    items[50:] = -1
    popularity = np.repeat([10, 1], 50)
    fold_in = ItemFoldIn(users, np.ones(4, int), pack_signs(items), popularity)
    assert fold_in.expected_exposure(10) == pytest.approx(1)
    assert fold_in.expected_exposure(1) == pytest.approx(0)
    assert 0 < fold_in.expected_exposure(3) < 1
    assert fold_in.expected_exposure(500) == pytest.approx(1)


def test_allows_more_exposure_to_an_item_with_more_users() -> None:
    fold_in = random_fold_in(1)[0]
    popular, rare = np.arange(USERS), np.array([0])
    assert fold_in.expected_exposure(len(popular)) > fold_in.expected_exposure(len(rare))
    codes = unpack_signs(fold_in.codes([popular, rare])).astype(float)
    exposures = fold_in.exposure(codes)
    assert exposures[0] >= exposures[1]


def test_users_with_fewer_items_weigh_more() -> None:
    users = np.ones((2, 8), np.float32)
    users[1] = -1
    fold_in = ItemFoldIn(users, np.array([9, 4]), pack_signs(np.ones((3, 8))), np.ones(3, int))
    assert fold_in.sums([np.array([0, 1])])[0] == pytest.approx(np.full(8, 1 / 3 - 1 / 2))


def test_keeps_the_signs_if_the_mean_code_is_zero() -> None:
    # Two users with opposite codes: the mean code is zero, so no bit can be flipped.
    users = np.array([[1.0] * 8, [-1.0] * 8], np.float32)
    fold_in = ItemFoldIn(users, np.array([1, 1]), pack_signs(np.ones((3, 8))), np.ones(3, int))
    assert np.array_equal(fold_in.codes([np.array([0]), np.array([1])]), [[255], [0]])


def test_order_repetition_and_other_audiences_do_not_matter() -> None:
    fold_in = random_fold_in(0)[0]
    codes = fold_in.codes([np.array([3, 1, 9]), np.array([9, 9, 1, 3, 1]), np.array([4])])
    assert np.array_equal(codes[0], codes[1])
    assert np.array_equal(fold_in.codes([np.array([4])])[0], codes[2])
    assert np.array_equal(fold_in.codes([np.array([4])] * 300)[299], codes[2])


def test_returns_no_codes_for_no_audiences() -> None:
    assert random_fold_in(0)[0].codes([]).shape == (0, 2)


def test_builds_from_a_release(release: Release) -> None:
    degrees = np.array([len(release.seen[user]) for user in range(release.n_users)])
    expected = ItemFoldIn(
        np.asarray(release.user_embeddings), degrees, release.item_codes, release.popularity
    )
    audiences = [np.arange(3), np.array([1])]
    assert np.array_equal(ItemFoldIn.of(release).codes(audiences), expected.codes(audiences))


@pytest.mark.parametrize(
    ("audience", "message"), [([], "audience 0 is empty"), ([30], "outside 0")]
)
def test_rejects_invalid_audiences(audience: list[int], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        random_fold_in(0)[0].codes([np.array(audience, int)])


def test_rejects_a_release_without_users_or_with_other_codes() -> None:
    codes = pack_signs(np.ones((1, 8)))
    with pytest.raises(SearchError, match="without users and items"):
        ItemFoldIn(np.ones((0, 8), np.float32), np.ones(0, int), codes, np.ones(1, int))
    with pytest.raises(SearchError, match="8 bits"):
        ItemFoldIn(np.ones((2, 16), np.float32), np.ones(2, int), codes, np.ones(1, int))
