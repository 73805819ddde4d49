"""Codes in blocks of eight, compared with words cut from each code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.search.code_blocks import blocks_of


@given(seed=st.integers(0, 2**32), items=st.integers(0, 40), width=st.integers(1, 40))
def test_every_word_has_its_position(seed: int, items: int, width: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 256, (items, width), dtype=np.uint8)
    blocks = blocks_of(codes)
    assert blocks.dtype == np.uint64
    assert blocks.shape == (-(-items // 8), -(-width // 8), 8)
    for row in range(8 * len(blocks)):
        code = codes[row].tobytes() if row < items else b""
        for word in range(blocks.shape[1]):
            bytes_of_word = code[8 * word : 8 * word + 8].ljust(8, b"\0")
            assert blocks[row // 8, word, row % 8].tobytes() == bytes_of_word


@pytest.mark.parametrize("items", [1, 8, 1000])
def test_blocks_are_an_aligned_copy(items: int) -> None:
    codes = np.zeros((items, 32), np.uint8)
    blocks = blocks_of(codes)
    assert blocks.ctypes.data % 64 == 0
    assert blocks.flags.c_contiguous
    codes[:] = 1
    assert not blocks.any()
