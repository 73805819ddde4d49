"""Checks of large arrays, compared with plain Python and NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.releases import array_checks
from bitrecall.index.releases.array_checks import has_negative_zero, is_finite, order_fault
from bitrecall.index.releases.id_table import IdTable

# Few letters and zero bytes, so that ids have common prefixes and end in padding bytes.
IDS = st.lists(st.text("a\0é", min_size=1, max_size=40), min_size=1, max_size=12, unique=True)


@given(IDS, st.randoms(use_true_random=False), st.booleans())
def test_accepts_an_order_only_if_it_sorts_the_bytes(ids: list[str], rng, shuffled: bool) -> None:
    table = IdTable.build(ids)
    order = table.order.tolist()
    if shuffled:
        rng.shuffle(order)
    in_order = [ids[row].encode() for row in order]
    fault = order_fault(table.text, table.offsets, np.array(order))
    assert (fault is None) == (in_order == sorted(in_order))


@given(st.text("ab\0", min_size=1, max_size=30), st.integers(0, 2))
def test_reports_repeated_ids(text: str, extra: int) -> None:
    ids = sorted([text, text, *["x" * (length + 1) for length in range(extra)]])
    encoded = [item_id.encode() for item_id in ids]
    offsets = np.cumsum([0, *map(len, encoded)])
    joined = np.frombuffer(b"".join(encoded), np.uint8)
    assert order_fault(joined, offsets, np.arange(len(ids))) is not None


def test_ids_are_compared_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_checks, "_IDS_AT_ONCE", 3)
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
def test_finds_nan_infinity_and_negative_zero_like_numpy(dtype, bits: list[int]) -> None:
    array = np.array(bits, np.uint16).view(dtype)
    assert is_finite(array) == bool(np.isfinite(array).all())
    if dtype == np.float16:
        expected = bool((np.signbit(array) & (array == 0)).any())
        assert has_negative_zero(array) == expected


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 131_071, 131_072, 299_999])
def test_finds_a_bad_value_in_any_block(bad: float, place: int) -> None:
    array = np.ones((3, 100_000), np.float32)
    assert is_finite(array)
    array.flat[place] = bad
    assert not is_finite(array)
    assert not is_finite(array.astype(np.float16))
