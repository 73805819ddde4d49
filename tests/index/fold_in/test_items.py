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
PLACES = 50


@pytest.fixture
def release(make_contents: Callable[..., ReleaseContents], tmp_path: Path) -> Release:
    write_manifest(tmp_path, write_files(tmp_path, make_contents(items=40), None))
    return Release.open(tmp_path)


def a_catalogue(seed: int) -> tuple[ItemFoldIn, np.ndarray, np.ndarray]:
    """Users who have something in common, so that there is a mean code to shift along."""
    rng = np.random.default_rng(seed)
    users = (rng.normal(size=(USERS, BITS)) + rng.normal(size=BITS)).astype(np.float32)
    items = pack_signs(rng.normal(size=(ITEMS, BITS)))
    popularity = np.sort(rng.integers(0, 40, ITEMS))[::-1]
    fold_in = ItemFoldIn(users, rng.integers(1, 20, USERS), items, popularity)
    return fold_in, users, items


def signs_of(values: np.ndarray) -> np.ndarray:
    return np.where(values >= 0, 1, -1)


def shares_of_lists(users: np.ndarray, items: np.ndarray, code: np.ndarray) -> float:
    """In what share of the users' first places an item stands that loses every tie."""
    entered = 0
    for user in signs_of(users):
        others = sorted(
            (int(user @ item) for item in unpack_signs(items).astype(int)), reverse=True
        )
        entered += int(user @ code) > others[PLACES - 1]
    return entered / len(users)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 500), st.integers(1, USERS))
def test_items_are_held_back_to_the_exposure_of_their_popularity(seed: int, size: int) -> None:
    fold_in, users, items = a_catalogue(seed)
    audience = np.random.default_rng(seed).choice(USERS, size, replace=False)
    code = unpack_signs(fold_in.codes([audience]))[0].astype(int)
    common, total = signs_of(users).mean(axis=0), fold_in.sums([audience])[0]
    wanted = fold_in.expected_exposure(size)

    # Every code on the way: the bits that agree with the mean, turned one by one.
    agreeing = [bit for bit in range(BITS) if signs_of(total)[bit] * common[bit] > 0]
    reachable = [signs_of(total)]
    for bit in sorted(agreeing, key=lambda bit: total[bit] / common[bit]):
        reachable.append(reachable[-1] * np.where(np.arange(BITS) == bit, -1, 1))
    turned = [np.array_equal(code, other) for other in reachable].index(True)
    exposures = [shares_of_lists(users, items, other) for other in reachable]
    assert exposures[turned] <= wanted or turned == len(agreeing)
    assert turned == 0 or exposures[turned - 1] > wanted


def test_exposure_is_the_share_of_lists_that_are_entered() -> None:
    fold_in, users, items = a_catalogue(3)
    codes = signs_of(np.random.default_rng(0).normal(size=(5, BITS)))
    expected = [shares_of_lists(users, items, code) for code in codes]
    assert fold_in.exposure(codes) == pytest.approx(expected)


def test_the_expected_exposure_is_that_of_the_catalogue() -> None:
    # All users are alike. Fifty items suit them and have ten users each; the others neither.
    users = np.ones((4, 16), np.float32)
    items = np.ones((100, 16))
    items[50:] = -1
    popularity = np.repeat([10, 1], 50)
    fold_in = ItemFoldIn(users, np.ones(4, int), pack_signs(items), popularity)
    assert fold_in.expected_exposure(10) == pytest.approx(1)
    assert fold_in.expected_exposure(1) == pytest.approx(0)
    assert 0 < fold_in.expected_exposure(3) < 1
    assert fold_in.expected_exposure(500) == pytest.approx(1)


def test_an_item_of_many_users_may_stand_in_more_lists_than_one_of_few() -> None:
    fold_in = a_catalogue(1)[0]
    popular, rare = np.arange(USERS), np.array([0])
    assert fold_in.expected_exposure(len(popular)) > fold_in.expected_exposure(len(rare))
    codes = unpack_signs(fold_in.codes([popular, rare])).astype(float)
    exposures = fold_in.exposure(codes)
    assert exposures[0] >= exposures[1]


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


def test_neither_order_repetition_nor_company_counts() -> None:
    fold_in = a_catalogue(0)[0]
    codes = fold_in.codes([np.array([3, 1, 9]), np.array([9, 9, 1, 3, 1]), np.array([4])])
    assert np.array_equal(codes[0], codes[1])
    assert np.array_equal(fold_in.codes([np.array([4])])[0], codes[2])
    assert np.array_equal(fold_in.codes([np.array([4])] * 300)[299], codes[2])


def test_no_audiences_give_no_codes() -> None:
    assert a_catalogue(0)[0].codes([]).shape == (0, 2)


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
        a_catalogue(0)[0].codes([np.array(audience, int)])


def test_items_need_users_and_items_to_go_by() -> None:
    codes = pack_signs(np.ones((1, 8)))
    with pytest.raises(SearchError, match="without users and items"):
        ItemFoldIn(np.ones((0, 8), np.float32), np.ones(0, int), codes, np.ones(1, int))
    with pytest.raises(SearchError, match="8 bits"):
        ItemFoldIn(np.ones((2, 16), np.float32), np.ones(2, int), codes, np.ones(1, int))
