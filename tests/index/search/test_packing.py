import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bitrecall.index.errors import SearchError
from bitrecall.index.search.packing import (
    check_codes,
    hamming_distances,
    pack_signs,
    to_half_keeping_signs,
    unpack_signs,
)

pytestmark = pytest.mark.slow

widths = st.integers(0, 5)
rows = st.integers(0, 6)


def code_matrices(width: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.uint8, st.tuples(rows, st.just(width)))


def slow_pack(row: list[float]) -> bytes:
    """Pack one row in plain Python: sign j is bit j % 8 of byte j // 8."""
    out = bytearray(len(row) // 8)
    for j, value in enumerate(row):
        if value >= 0:
            out[j // 8] |= 1 << (j % 8)
    return bytes(out)


def slow_hamming(a: bytes, b: bytes) -> int:
    return sum(bin(x ^ y).count("1") for x, y in zip(a, b, strict=True))


def test_golden_bytes() -> None:
    x = np.array([[1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, -1, -1, -1, -1, 1.5]])
    assert pack_signs(x).tobytes() == b"\x01\x86"


def test_zero_and_minus_zero_have_a_positive_sign() -> None:
    x = np.array([[0.0, -0.0, -1e-300, 1e-300, -np.inf, np.inf, -1, 0]])
    assert pack_signs(x).tobytes() == bytes([0b10101011])


@given(
    st.tuples(rows, widths.map(lambda width: 8 * width)).flatmap(
        lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(allow_nan=False, width=32))
    )
)
def test_packing_agrees_with_plain_python(x: np.ndarray) -> None:
    codes = pack_signs(x)
    assert codes.dtype == np.uint8
    assert codes.shape == (x.shape[0], x.shape[1] // 8)
    assert [row.tobytes() for row in codes] == [slow_pack(row) for row in x.tolist()]
    assert np.array_equal(unpack_signs(codes), np.where(x >= 0, 1, -1))
    assert unpack_signs(codes).dtype == np.int8


@given(widths.flatmap(code_matrices))
def test_packing_unpacked_codes_returns_the_codes(codes: np.ndarray) -> None:
    assert np.array_equal(pack_signs(unpack_signs(codes)), codes)


@given(widths.flatmap(lambda width: st.tuples(code_matrices(width), code_matrices(width))))
def test_distances_agree_with_a_pure_python_popcount(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    distances = hamming_distances(a, b)
    assert distances.dtype == np.int32
    assert distances.shape == (len(a), len(b))
    assert distances.tolist() == [[slow_hamming(x.tobytes(), y.tobytes()) for y in b] for x in a]


def test_the_score_is_the_bits_less_twice_the_distance() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, 64)), rng.standard_normal((4, 64))
    scores = np.where(a >= 0, 1, -1) @ np.where(b >= 0, 1, -1).T
    assert np.array_equal(scores, 64 - 2 * hamming_distances(pack_signs(a), pack_signs(b)))


@pytest.mark.parametrize("shape", [(8,), (2, 2, 8), (3, 12)])
def test_rejects_anything_but_a_matrix_of_whole_bytes(shape: tuple[int, ...]) -> None:
    with pytest.raises(SearchError):
        pack_signs(np.ones(shape))


def test_rejects_nan() -> None:
    x = np.ones((2, 8))
    x[1, 3] = np.nan
    with pytest.raises(SearchError, match="NaN"):
        pack_signs(x)
    with pytest.raises(SearchError, match="NaN"):
        to_half_keeping_signs(x)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 4), np.int8), "int8"),
        (np.zeros(4, np.uint8), r"\(4,\)"),
        ([[1, 2]], "list"),
        (np.zeros((2, 3), np.uint8), "24 bits instead of 32"),
    ],
)
def test_rejects_wrong_codes(codes: np.ndarray, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        check_codes(codes, 4)


def test_rejects_codes_of_different_widths() -> None:
    with pytest.raises(SearchError):
        hamming_distances(np.zeros((1, 2), np.uint8), np.zeros((1, 3), np.uint8))


@given(
    hnp.arrays(
        np.float32,
        st.tuples(rows, widths.map(lambda width: 8 * width)),
        elements=st.floats(allow_nan=False, width=32)
        | st.sampled_from([-0.0, 0.0, -1e-8, 1e-8, -(2.0**-25), -(2.0**-24), 7e4, -7e4]),
    )
)
def test_halves_keep_every_sign_and_are_rounded_as_usual(x: np.ndarray) -> None:
    half = to_half_keeping_signs(x)
    assert half.dtype == np.float16
    assert np.isfinite(half).all()
    assert np.array_equal(pack_signs(half), pack_signs(x))
    assert not (np.signbit(half) & (half == 0)).any()
    ordinary = (np.abs(x) >= 2.0**-24) & (np.abs(x) <= 65504)
    assert np.array_equal(half[ordinary], x[ordinary].astype(np.float16))


def test_a_negative_value_too_small_for_a_half_becomes_the_smallest_one() -> None:
    half = to_half_keeping_signs(np.array([-1e-30, 1e-30, -0.0, -1e30, np.inf], np.float32))
    assert half.tobytes() == np.array([0x8001, 0, 0, 0xFBFF, 0x7BFF], "<u2").tobytes()


def test_rounding_to_half_does_not_change_its_argument() -> None:
    x = np.full((1, 8), -0.0, np.float16)
    to_half_keeping_signs(x)
    assert np.signbit(x).all()
