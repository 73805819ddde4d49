"""The scan against the obvious one, where samples are small enough to go wrong."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.packing import hamming_distances
from index.scan import CodeScan

Found = tuple[list[int], list[int]]


def reference(
    codes: np.ndarray, code: np.ndarray, k: int, banned: np.ndarray, among: Any = None
) -> Found:
    distances = hamming_distances(code, codes)[0]
    rows = np.lexsort((np.arange(len(codes)), distances))
    rows = rows[~np.isin(rows, banned)]
    rows = rows[:k] if among is None else rows[among[rows]][:k]
    return distances[rows].tolist(), rows.tolist()


def found(scan: CodeScan, *given: Any) -> Found:
    distances, rows = scan.nearest(*given)
    assert (distances.dtype, rows.dtype) == (np.int32, np.int64)
    return distances.tolist(), rows.tolist()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_it_finds_what_is_nearest_to_the_last_tie(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    items = data.draw(st.integers(1, 300))
    values = data.draw(st.sampled_from([2, 4, 256]))
    codes = rng.integers(0, values, (items, 8), dtype=np.uint8)
    if data.draw(st.booleans()):
        # In order of distance to the query.
        codes = codes[np.argsort(hamming_distances(codes[:1], codes)[0])]
    scan = CodeScan(np.ascontiguousarray(codes), sample=data.draw(st.integers(1, 100)))
    code = codes[:1].copy()
    k = data.draw(st.integers(1, items + 2))
    banned = rng.choice(items, data.draw(st.integers(0, items)))
    among = rng.random(items) < data.draw(st.sampled_from([0.0, 0.1, 0.9]))
    nothing = np.empty(0, np.int64)
    assert found(scan, code, k, nothing) == reference(codes, code, k, nothing)
    assert found(scan, code, k, banned) == reference(codes, code, k, banned)
    assert found(scan, code, k, banned, among) == reference(codes, code, k, banned, among)


@pytest.mark.parametrize("far", [20, 64])
def test_a_reach_that_was_guessed_too_short_is_widened(far: int) -> None:
    # Every sampled row is the query itself; all others are far away.
    codes = np.zeros((1000, 8), np.uint8)
    bits = np.zeros(64, np.uint8)
    bits[:far] = 1
    codes[:] = np.packbits(bits)
    codes[::50] = 0
    code = np.zeros((1, 8), np.uint8)
    distances, rows = CodeScan(codes, sample=20).nearest(code, 100, np.empty(0, np.int64))
    assert rows.tolist() == [*range(0, 1000, 50), *[row for row in range(100) if row % 50][:80]]
    assert distances.tolist() == [0] * 20 + [far] * 80


def test_threads_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (20_000, 32), dtype=np.uint8)
    scan, nothing = CodeScan(codes), np.empty(0, np.int64)
    queries = [codes[row : row + 1].copy() for row in range(200)]
    alone = [found(scan, code, 10, nothing) for code in queries]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda code: found(scan, code, 10, nothing), queries))
    assert together == alone
