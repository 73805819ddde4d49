"""Values of large arrays, checked block by block, beside plain Python and NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.releases import array_checks as values
from bitrecall.index.releases.array_checks import has_negative_zero, is_finite, order_fault
from bitrecall.index.releases.id_table import IdTable

# Few letters and zero bytes, so that ids share beginnings and end in what padding is.
IDS = st.lists(st.text("a\0é", min_size=1, max_size=40), min_size=1, max_size=12, unique=True)


@given(IDS, st.randoms(use_true_random=False), st.booleans())
def test_an_order_is_good_only_if_it_sorts_the_bytes(ids: list[str], rng, shuffled: bool) -> None:
    table = IdTable.build(ids)
    order = table.order.tolist()
    if shuffled:
        rng.shuffle(order)
    in_order = [ids[row].encode() for row in order]
    fault = order_fault(table.text, table.offsets, np.array(order))
    assert (fault is None) == (in_order == sorted(in_order))


@given(st.text("ab\0", min_size=1, max_size=30), st.integers(0, 2))
def test_ids_given_twice_are_found(text: str, extra: int) -> None:
    ids = sorted([text, text, *["x" * (one + 1) for one in range(extra)]])
    encoded = [one.encode() for one in ids]
    offsets = np.cumsum([0, *map(len, encoded)])
    joined = np.frombuffer(b"".join(encoded), np.uint8)
    assert order_fault(joined, offsets, np.arange(len(ids))) is not None


def test_ids_are_compared_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_IDS_AT_ONCE", 3)
    table = IdTable.build([f"{number:02}" for number in range(20)])
    assert order_fault(table.text, table.offsets, table.order) is None
    for place in range(19):
        order = table.order.copy()
        order[[place, place + 1]] = order[[place + 1, place]]
        assert f"row {place + 1}" in str(order_fault(table.text, table.offsets, order))


@given(
    st.sampled_from([np.float16, np.float32]),
    st.lists(st.integers(0, 2**16 - 1), min_size=2, max_size=40).filter(lambda x: len(x) % 2 == 0),
)
def test_what_is_finite_and_what_lost_its_sign_is_as_numpy_has_it(dtype, bits: list[int]) -> None:
    array = np.array(bits, np.uint16).view(dtype)
    assert is_finite(array) == bool(np.isfinite(array).all())
    if dtype == np.float16:
        lost = bool((np.signbit(array) & (array == 0)).any())
        assert has_negative_zero(array) == lost


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 131_071, 131_072, 299_999])
def test_one_bad_value_is_found_in_whatever_block_it_is(bad: float, place: int) -> None:
    array = np.ones((3, 100_000), np.float32)
    assert is_finite(array)
    array.flat[place] = bad
    assert not is_finite(array)
    assert not is_finite(array.astype(np.float16))
