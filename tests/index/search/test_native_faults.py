"""Inputs that made the extension of the index read or write outside its buffers.

Under AddressSanitizer and UBSan, each of them ends the process if the extension is at fault.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from bitrecall.index.search.code_blocks import blocks_of
from bitrecall.index.search.native_module import native

pytestmark = pytest.mark.skipif(native is None, reason="installed without a C compiler")


def misaligned(values: np.ndarray) -> np.ndarray:
    """Return the same values at an odd address."""
    raw = np.zeros(values.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(values.tobytes(), np.uint8)
    return raw[1:].view(values.dtype).reshape(values.shape)


def nearest(level: int | None = None, **changes: Any) -> list[list[int]]:
    """Return the rows of the two nearest of three codes, with some arguments replaced."""
    assert native is not None
    arguments = {
        "codes": np.array([[3], [1], [0]], np.uint8),
        "queries": np.zeros((1, 1), np.uint8),
        "allowed": None,
        "distances": np.zeros((1, 2), np.int32),
        "rows": np.zeros((1, 2), np.int64),
        "excluded": None,
        "items": 3,
        "width": 1,
        "blocks": False,
        "level": min(native.levels().values()) if level is None else level,
    } | changes
    native.nearest(*arguments.values())
    rows: list[list[int]] = arguments["rows"].tolist()
    return rows


def test_runs_only_levels_of_this_processor() -> None:
    assert native is not None
    supported = set(native.levels().values())
    for level in range(-2, 6):
        if level in supported:
            assert nearest(level) == [[2, 1]]
        else:
            with pytest.raises(ValueError, match=r"levels\(\)"):
                nearest(level)


@pytest.mark.parametrize("width", [-1, 0, 8192, 2**60, 2**62, 2**63 - 1])
def test_rejects_a_width_whose_distances_overflow(width: int) -> None:
    with pytest.raises(ValueError, match="width from 1 to 8,191"):
        nearest(width=width)


def test_reads_or_rejects_misaligned_arrays() -> None:
    assert native is not None
    assert nearest(excluded=[misaligned(np.array([2]))]) == [[1, 0]]
    for name, dtype in (("distances", np.int32), ("rows", np.int64)):
        with pytest.raises(ValueError, match="aligned"):
            nearest(**{name: misaligned(np.zeros((1, 2), dtype))})
    values = np.array([-1, 0, 1, -2, 3, -4, 5, -6], np.float16)
    assert native.signs(misaligned(values)) == native.signs(values)
    text, offsets = np.frombuffer(b"abbc", np.uint8), misaligned(np.array([0, 1, 3, 4]))
    order = misaligned(np.array([0, 1, 2]))
    assert native.ids_of(text, offsets, order, misaligned(np.array([2, 0]))) == ["c", "a"]
    assert native.place_of(text, offsets, order, b"bb") == 1


def test_survives_codes_that_another_thread_changes() -> None:
    # The results are undefined then, but no access may be outside the buffers.
    assert native is not None
    # Each row is at least as near as all before it, so most are compared twice.
    codes = np.random.default_rng(0).integers(0, 256, (100_000, 32), dtype=np.uint8)
    codes = codes[np.argsort(-np.bitwise_count(codes).sum(axis=1, dtype=np.int64))]
    near = blocks_of(codes)
    blocks, far = near.copy(), np.full_like(near, 2**64 - 1)
    queries = np.zeros((16, 32), np.uint8)
    done = False

    def change() -> None:
        while not done:
            np.copyto(blocks, near)
            np.copyto(blocks, far)

    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        for _ in range(30):
            rows = np.zeros((16, 1), np.int64)
            nearest(
                codes=blocks,
                queries=queries,
                distances=np.zeros((16, 1), np.int32),
                rows=rows,
                items=len(codes),
                width=32,
                blocks=True,
            )
            assert rows.min() >= -1
            assert rows.max() < len(codes)
        done = True
        changing.result()


def test_rejects_distances_whose_conversion_runs_python_code() -> None:
    assert native is not None
    ids = ["a", "b"]

    class Growing:
        def __index__(self) -> int:
            ids[1] = "x" * 100_000
            return 1

    with pytest.raises(TypeError, match="must be int"):
        native.items_json(ids, [Growing(), 1], 8)
    assert native.items_json(["a"], [True], 8) == b'[{"id":"a","distance":1,"score":6}]'


@pytest.mark.parametrize("number", [-1, 2**31, 2**62, 2**63 - 1, 2**63, -(2**63), 2**200])
def test_rejects_numbers_that_no_distance_can_have(number: int) -> None:
    assert native is not None
    with pytest.raises(ValueError, match=r"from 0 to 2\^31 - 1"):
        native.items_json(["a"], [number], 8)
    with pytest.raises(ValueError, match=r"from 0 to 2\^31 - 1"):
        native.items_json(["a"], [1], number)
    largest = 2**31 - 1
    expected = b'[{"id":"a","distance":2147483647,"score":-2147483647}]'
    assert native.items_json(["a"], [largest], largest) == expected
