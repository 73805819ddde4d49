"""The exact scan in C, at each SIMD level, and with FAISS, compared with a plain one in numpy."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bitrecall.index.errors import SearchError
from bitrecall.index.search.faiss_scan import FaissScan
from bitrecall.index.search.native_module import native
from bitrecall.index.search.packing import hamming_distances
from bitrecall.index.search.scan import CodeScan, Scan, scan_of

pytestmark = pytest.mark.slow

WIDE = np.zeros((2, 8192), np.uint8)

Lists = tuple[list[list[int]], list[list[int]]]
Make = Callable[[np.ndarray], Scan]


def levels() -> dict[str, int]:
    return {} if native is None else native.levels()


def at_level(level: str, *, blocks: bool) -> Make:
    return lambda codes: CodeScan(codes, level, blocks=blocks)


SCANS: dict[str, Make] = (
    {"faiss": FaissScan}
    | {level: at_level(level, blocks=False) for level in levels()}
    | {f"{level}, blocks": at_level(level, blocks=True) for level in levels()}
)


def reference(
    codes: np.ndarray, queries: np.ndarray, k: int, excluded: Any = None, allowed: Any = None
) -> Lists:
    distances, rows = np.full((2, len(queries), k), -1)
    for query, near in enumerate(hamming_distances(queries, codes)):
        order = np.lexsort((np.arange(len(codes)), near))
        if excluded is not None:
            order = order[~np.isin(order, excluded[query])]
        if allowed is not None:
            order = order[allowed[order]]
        order = order[:k]
        rows[query, : len(order)], distances[query, : len(order)] = order, near[order]
    return distances.tolist(), rows.tolist()


def search(scan: Scan, *arguments: Any) -> Lists:
    distances, rows = scan.nearest(*arguments)
    assert (distances.dtype, rows.dtype) == (np.int32, np.int64)
    return distances.tolist(), rows.tolist()


@pytest.mark.parametrize("make", SCANS.values(), ids=SCANS)
@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    items=st.integers(1, 300) | st.integers(1900, 3100),
    width=st.sampled_from([1, 7, 8, 9, 16, 32, 33, 64]),
    values=st.sampled_from([2, 4, 256]),
    farthest_first=st.booleans(),
    n_queries=st.integers(1, 4),
    k=st.integers(1, 30) | st.integers(1, 2200),
)
@example(seed=0, items=1024, width=32, values=2, farthest_first=True, n_queries=1, k=1)
@example(seed=0, items=2048, width=32, values=256, farthest_first=True, n_queries=3, k=5)
def test_finds_the_nearest_with_all_ties_by_row(
    make: Make,
    seed: int,
    items: int,
    width: int,
    values: int,
    farthest_first: bool,
    n_queries: int,
    k: int,
) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, values, (items, width), dtype=np.uint8)
    queries = rng.integers(0, values, (n_queries, width), dtype=np.uint8)
    if farthest_first:
        # Each row is at least as near as all before it.
        codes = codes[np.argsort(-hamming_distances(queries[:1], codes)[0])]
    scan = make(codes)
    excluded = [rng.choice(items, rng.integers(0, items + 1)) for _ in range(n_queries)]
    allowed = rng.random(items) < rng.choice([0.0, 0.1, 0.9])
    for arguments in ((), (excluded,), (None, allowed), (excluded, allowed)):
        results = search(scan, queries, k, *arguments)
        assert results == reference(codes, queries, k, *arguments)


@pytest.mark.parametrize("make", SCANS.values(), ids=SCANS)
def test_finds_codes_at_the_largest_distance(make: Make) -> None:
    codes = np.full((40, 32), 255, np.uint8)
    distances, rows = make(codes).nearest(np.zeros((1, 32), np.uint8), 3)
    assert (distances.tolist(), rows.tolist()) == ([[256] * 3], [[0, 1, 2]])


@pytest.mark.parametrize("make", SCANS.values(), ids=SCANS)
@pytest.mark.parametrize("k", [1, 3000, 5000])
def test_orders_any_number_of_ties_by_row(make: Make, k: int) -> None:
    codes = np.zeros((5000, 8), np.uint8)
    _, rows = make(codes).nearest(codes[:1], k, [np.array([1])])
    assert rows[0].tolist() == [0, *range(2, 5000), -1][:k]


@pytest.mark.parametrize("make", SCANS.values(), ids=SCANS)
def test_does_not_change_the_excluded_rows(make: Make) -> None:
    codes = np.zeros((9, 8), np.uint8)
    excluded = np.array([5, 3, 5, 0])
    excluded.flags.writeable = False
    _, rows = make(codes).nearest(codes[:1], 9, [excluded])
    assert rows.tolist() == [[1, 2, 4, 6, 7, 8, -1, -1, -1]]
    assert excluded.tolist() == [5, 3, 5, 0]


@pytest.mark.parametrize("make", SCANS.values(), ids=SCANS)
def test_many_queries_on_several_threads_get_the_same_results_as_alone(make: Make) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (20_000, 32), dtype=np.uint8)
    scan, queries = make(codes), rng.integers(0, 256, (203, 32), dtype=np.uint8)
    excluded = [rng.choice(20_000, rng.integers(0, 50)) for _ in queries]
    alone = [
        search(scan, code[None], 10, [out]) for code, out in zip(queries, excluded, strict=True)
    ]
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        distances, rows = search(scan, queries, 10, excluded)
    finally:
        faiss.omp_set_num_threads(before)
    assert [([near], [near_rows]) for near, near_rows in zip(distances, rows, strict=True)] == alone


@pytest.mark.parametrize("make", SCANS.values(), ids=SCANS)
def test_threads_do_not_disturb_each_other(make: Make) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (20_000, 32), dtype=np.uint8)
    scan = make(codes)
    queries = [codes[row : row + 1] for row in range(200)]
    alone = [search(scan, code, 10) for code in queries]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda code: search(scan, code, 10), queries))
    assert together == alone


@pytest.mark.parametrize("make", SCANS.values(), ids=SCANS)
@pytest.mark.parametrize("row", [-1, 9, 2**40])
def test_rejects_an_excluded_row_that_does_not_exist(make: Make, row: int) -> None:
    codes = np.zeros((9, 8), np.uint8)
    no_rows, excluded = np.empty(0, np.int64), np.array([5, row, 3])
    for queries, out in ((1, [excluded]), (2, [no_rows, excluded])):
        with pytest.raises(SearchError, match=r"outside 0 … 8"):
            make(codes).nearest(codes[:queries], 2, out)


def test_the_scan_is_compiled() -> None:
    if native is None and not os.environ.get("BITRECALL_TESTS_NEED_COMPILER"):
        pytest.skip("installed without a C compiler: index/search/native is not tested")
    codes = np.zeros((1, 8), np.uint8)
    assert isinstance(scan_of(codes), CodeScan)
    assert isinstance(scan_of(codes, once=True), CodeScan)


@pytest.mark.skipif(native is None, reason="installed without a C compiler")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codes": np.zeros(12, np.uint8)}, "the given width"),
        ({"queries": np.zeros(9, np.uint8)}, "the given width"),
        ({"items": 2}, "the given width"),
        ({"items": 25}, "`items` codes"),
        ({"blocks": True}, "the given layout"),
        ({"width": 8192} | dict.fromkeys(("codes", "queries"), WIDE), "width from 1 to 8,191"),
        ({"items": -1}, "items must be at least 0"),
        ({"width": 0}, "width from 1 to 8,191"),
        ({"level": 9}, "invalid level 9"),
        ({"rows": np.zeros((2, 4), np.int64)}, "same shape"),
        ({"allowed": np.ones(2, np.bool_)}, "one byte per row"),
    ],
)
def test_rejects_inconsistent_arguments(changes: Any, message: str) -> None:
    arguments = {
        "codes": np.zeros((3, 8), np.uint8),
        "queries": np.zeros((2, 8), np.uint8),
        "allowed": np.ones(3, np.bool_),
        "distances": np.zeros((2, 3), np.int32),
        "rows": np.zeros((2, 3), np.int64),
        "excluded": [np.empty(0, np.int64), np.array([1])],
        "items": 3,
        "width": 8,
        "blocks": False,
        "level": next(iter(levels().values())),
    }
    native.nearest(*arguments.values())  # type: ignore[arg-type]
    assert arguments["rows"].tolist() == [[0, 1, 2], [0, 2, -1]]  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=message):
        native.nearest(*(arguments | changes).values())
    with pytest.raises(TypeError):
        native.nearest(*[*arguments.values()][:-1])  # type: ignore[call-arg]
    for too_few in ([], [np.array([1])], [np.array([1]), "no array"]):
        with pytest.raises((IndexError, TypeError)):
            native.nearest(*(arguments | {"excluded": too_few}).values())  # type: ignore[arg-type]


@pytest.mark.skipif(native is None, reason="installed without a C compiler")
def test_does_not_write_to_read_only_arrays() -> None:
    codes, rows = np.zeros((3, 8), np.uint8), np.zeros((1, 2), np.int64)
    rows.flags.writeable = False
    distances = np.zeros((1, 2), np.int32)
    level = next(iter(levels().values()))
    with pytest.raises((BufferError, ValueError)):
        native.nearest(codes, codes[:1], None, distances, rows, None, 3, 8, False, level)
