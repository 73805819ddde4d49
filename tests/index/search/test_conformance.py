"""The contract of every backend, on catalogues solved by hand and on random ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.index.errors import SearchError
from bitrecall.index.search.milvus.server import MilvusServer
from bitrecall.index.search.registry import backend, backends
from tests.index.search.contract import (
    BY_HAND,
    EXACT,
    MILVUS,
    STORED,
    Build,
    builder_of,
    check_contract,
    in_milvus,
    searches,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("milvus")]

# Distances from ZERO: 0, 1, 1, 2, 8, 0, 4.
ZERO = np.array([[0b0000_0000]], np.uint8)
CATALOGUE = np.array([[0], [1], [2], [3], [255], [0], [15]], np.uint8)


@pytest.fixture(
    params=[
        pytest.param(kind, marks=pytest.mark.milvus) if kind in MILVUS else kind
        for kind in sorted(BY_HAND)
    ]
)
def build(request: pytest.FixtureRequest) -> Build:
    return builder_of(request.param, request)


def test_every_backend_is_tested() -> None:
    assert {name for name, _ in STORED.values()} == set(backends())


def test_ties_go_to_the_smaller_row(build: Build) -> None:
    distances, rows = build(CATALOGUE).search(ZERO, 7)
    assert rows.tolist() == [[0, 5, 1, 2, 3, 6, 4]]
    assert distances.tolist() == [[0, 0, 1, 1, 2, 4, 8]]
    assert (distances.dtype, rows.dtype) == (np.int32, np.int64)


def test_excluded_rows_are_left_out_in_any_order_and_number(build: Build) -> None:
    distances, rows = build(CATALOGUE).search(ZERO, 3, [np.array([5, 1, 5, 3])])
    assert rows.tolist() == [[0, 2, 6]]
    assert distances.tolist() == [[0, 1, 4]]


def test_each_query_has_its_own_exclusions(build: Build) -> None:
    queries = np.repeat(ZERO, 3, axis=0)
    exclude = [np.array([0]), np.array([], np.int32), np.array([0, 5, 1, 2], np.uint16)]
    _, rows = build(CATALOGUE).search(queries, 2, exclude)
    assert rows.tolist() == [[5, 1], [0, 5], [3, 6]]


@pytest.mark.parametrize("exclude", [None, [np.array([0, 4])]])
def test_returns_only_allowed_rows(build: Build, exclude: Any) -> None:
    built = build(CATALOGUE)
    allowed = np.isin(np.arange(7), [4, 1, 0, 3])
    distances, rows = built.search(ZERO, 5, exclude, allowed)
    expected = [0, 1, 3, 4] if exclude is None else [1, 3]
    assert rows[0][: len(expected)].tolist() == expected
    assert (rows[0][len(expected) :] == -1).all()
    assert (distances[0][len(expected) :] == -1).all()
    for few in ([2], []):
        _, rows = built.search(ZERO, 2, exclude, np.isin(np.arange(7), few))
        assert rows.tolist() == [[*few, -1, -1][:2]]


def test_pads_with_minus_one_past_the_catalogue(build: Build) -> None:
    distances, rows = build(CATALOGUE).search(ZERO, 10)
    assert rows.tolist() == [[0, 5, 1, 2, 3, 6, 4, -1, -1, -1]]
    assert distances.tolist() == [[0, 0, 1, 1, 2, 4, 8, -1, -1, -1]]


def test_pads_with_minus_one_past_the_exclusions(build: Build) -> None:
    distances, rows = build(CATALOGUE).search(ZERO, 7, [np.array([0, 1, 2, 3, 4])])
    assert rows.tolist() == [[5, 6, -1, -1, -1, -1, -1]]
    assert distances.tolist() == [[0, 4, -1, -1, -1, -1, -1]]


def test_returns_nothing_if_everything_is_excluded(build: Build) -> None:
    distances, rows = build(CATALOGUE).search(ZERO, 2, [np.arange(7)])
    assert (rows == -1).all()
    assert (distances == -1).all()


def test_returns_no_columns_for_k_of_zero(build: Build) -> None:
    distances, rows = build(CATALOGUE).search(np.repeat(ZERO, 2, axis=0), 0)
    assert distances.shape == rows.shape == (2, 0)


def test_returns_no_rows_for_no_queries(build: Build) -> None:
    empty = np.empty((0, 1), np.uint8)
    for exclude in (None, []):
        distances, rows = build(CATALOGUE).search(empty, 3, exclude)
        assert distances.shape == rows.shape == (0, 3)


def test_returns_nothing_from_an_empty_catalogue(build: Build) -> None:
    empty = build(np.empty((0, 1), np.uint8))
    assert len(empty) == 0
    for exclude in (None, [np.array([], np.int64)]):
        _, rows = empty.search(ZERO, 2, exclude)
        assert rows.tolist() == [[-1, -1]]


def test_reports_its_size(build: Build) -> None:
    searched = build(CATALOGUE)
    assert (searched.bits, len(searched)) == (8, 7)


@pytest.mark.parametrize(
    ("codes", "k", "exclude", "message"),
    [
        (np.zeros((1, 2), np.uint8), 1, None, "bits"),
        (np.zeros((1, 1), np.int8), 1, None, "uint8"),
        (np.zeros(1, np.uint8), 1, None, "matrix"),
        (ZERO, -1, None, "negative"),
        (ZERO, 1.5, None, "whole number"),
        (ZERO, True, None, "whole number"),
        (ZERO, 1, [], "0 lists of rows to exclude for 1"),
        (ZERO, 1, [np.array([7])], "outside 0 … 6"),
        (ZERO, 1, [np.array([-1])], "outside 0 … 6"),
        (ZERO, 1, [np.array([[1]])], "one dimension"),
        (ZERO, 1, [np.array([0.5])], "whole numbers"),
    ],
)
def test_rejects_invalid_arguments(
    build: Build, codes: np.ndarray, k: int, exclude: Any, message: str
) -> None:
    with pytest.raises(SearchError, match=message):
        build(CATALOGUE).search(codes, k, exclude)


@pytest.mark.parametrize("allowed", [np.ones(6, np.bool_), np.ones(7, np.uint8), [True] * 7])
def test_rejects_a_mask_of_another_type_or_length(build: Build, allowed: Any) -> None:
    with pytest.raises(SearchError, match="allowed rows must be bool"):
        build(CATALOGUE).search(ZERO, 1, None, allowed)


def test_accepts_codes_in_another_memory_order(build: Build) -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 256, (50, 4), dtype=np.uint8)
    queries = rng.integers(0, 256, (6, 4), dtype=np.uint8)
    expected = build(codes).search(queries, 9)
    results = build(np.asfortranarray(codes)).search(np.asfortranarray(queries), 9)
    assert np.array_equal(results, expected)


@pytest.mark.parametrize("name", STORED)
@settings(max_examples=60, deadline=None)
@given(search=searches(), threads=st.sampled_from([1, 2]))
def test_any_search_keeps_the_contract(name: str, search: dict[str, Any], threads: int) -> None:
    kind, parameters = STORED[name]
    check_contract(
        backend(kind).build(search["codes"], **parameters), search, threads, exact=name in EXACT
    )


@pytest.mark.parametrize("name", MILVUS)
@pytest.mark.parametrize("seed", range(3))
def test_any_search_of_milvus_keeps_the_contract(
    milvus_server: MilvusServer, name: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    # Milvus makes lists only of 1,024 codes or more.
    items, values, k = [(40, 2, 3), (60, 4, 65), (1500, 256, 20)][seed]
    search = {
        "codes": rng.integers(0, values, (items, 2), dtype=np.uint8),
        "queries": rng.integers(0, 256, (5, 2), dtype=np.uint8),
        "k": k,
        "exclude": [rng.choice(items, rng.integers(0, items + 1)) for _ in range(5)],
        "allowed": rng.random(items) < 0.3,
    }
    parameters = MILVUS[name].copy()
    if "limit" in parameters:
        # A tenth of the rows per request: at 8 of 1,500, the server would get 12,000 requests.
        parameters["limit"] = max(parameters["limit"], items // 10)
    built = in_milvus(milvus_server, search["codes"], **parameters)
    check_contract(built, search, exact=name in EXACT)
