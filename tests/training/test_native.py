"""The C functions of training against numpy, for each instruction set of the CPU; without torch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

native = pytest.importorskip("bitrecall.training._native", reason="installed without a C compiler")


def agreeing_bits(users: np.ndarray, items: np.ndarray, bits: int) -> np.ndarray:
    """Return the number of equal bits of each user's and each item's code, int (b, n)."""
    differing = np.bitwise_count(users[:, None, :] ^ items[None, :, :]).sum(axis=2, dtype=np.int64)
    return bits - differing


@pytest.mark.parametrize("level", native.levels())
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    n_users=st.integers(1, 5),
    n_items=st.integers(1, 60) | st.sampled_from([2047, 2048, 2049, 4100]),
    bits=st.sampled_from([1, 7, 8, 13, 64, 256, 264]),
)
def test_counts_and_looks_up_the_level_of_each_pair(
    level: str, seed: int, n_users: int, n_items: int, bits: int
) -> None:
    rng = np.random.default_rng(seed)
    users, items = (
        np.packbits(rng.integers(0, 2, (count, bits), np.uint8), axis=1, bitorder="little")
        for count in (n_users, n_items)
    )
    form = users.shape[1], bits, native.levels()[level]
    agreeing = agreeing_bits(users, items, bits)

    counts = rng.integers(0, 9, (n_users, bits + 1), np.int32)
    before = counts.copy()
    native.count(users, items, *form, counts)
    expected = [np.bincount(row, minlength=bits + 1) for row in agreeing]
    np.testing.assert_array_equal(counts - before, expected)

    table = rng.standard_normal((n_users, bits + 1)).astype(np.float32)
    values = np.empty((n_users, n_items), np.float32)
    native.look_up(users, items, *form, table, values)
    np.testing.assert_array_equal(values, np.take_along_axis(table, agreeing, axis=1))
