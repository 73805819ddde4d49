from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.errors import ReleaseContentsError, SearchError
from bitrecall.index.releases.id_table import IdTable
from bitrecall.index.search.native_module import native

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, params=["python", "c"], scope="module")
def implementation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run each test with the look-ups in Python and with those in C."""
    if request.param == "c" and native is None:
        pytest.skip("installed without a C compiler")
    with patch(
        "bitrecall.index.releases.id_table.native", native if request.param == "c" else None
    ):
        yield


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_golden_bytes() -> None:
    table = IdTable.build(["b", "é,", "a b", "🎈"])
    assert table.text.tobytes() == b"b\xc3\xa9,a b\xf0\x9f\x8e\x88"
    assert table.offsets.tolist() == [0, 1, 4, 7, 11]
    assert table.order.tolist() == [2, 0, 1, 3]
    assert [array.dtype.str for array in (table.text, table.offsets, table.order)] == [
        "|u1",
        "<i8",
        "<i8",
    ]


@given(st.lists(texts, unique=True), texts)
def test_finds_rows_of_ids_and_ids_of_rows(ids: list[str], other: str) -> None:
    table = IdTable.build(ids)
    assert len(table) == len(ids)
    assert table.fault() is None
    assert table.ids_of(range(len(ids))) == ids
    assert table.ids_of(np.arange(len(ids))) == ids
    assert table.starting_with("", len(ids)) == sorted(
        range(len(ids)), key=lambda row: ids[row].encode()
    )
    assert [table.row_of(text) for text in ids] == list(range(len(ids)))
    assert table.row_of(other) == (ids.index(other) if other in ids else None)


@pytest.mark.parametrize(
    "text",
    ["", "a\0", "A", " a", "a ", "\ud800", "a" * 100_000, "0", "１"],  # noqa: RUF001
)
def test_does_not_find_an_unknown_id(text: str) -> None:
    assert IdTable.build(["a", "1", "ab"]).row_of(text) is None


def test_distinguishes_similar_ids() -> None:
    ids = ["1", "01", "1.0", " 1", "1 ", "é", "e\u0301", "a\0", "a", "None", "nan"]
    table = IdTable.build(ids)
    assert [table.row_of(text) for text in ids] == list(range(len(ids)))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", ""], "row 1 is empty"),
        (["a", "b", "a"], "rows 0 and 2 both have the id 'a'"),
        (["a", "\ud800"], "not valid Unicode"),
        (["a", 1], "must be a string"),
    ],
)
def test_rejects_invalid_ids(ids: list[str], message: str) -> None:
    with pytest.raises(ReleaseContentsError, match=message):
        IdTable.build(ids)


@pytest.mark.parametrize("row", [-1, 2])
def test_rejects_an_unknown_row(row: int) -> None:
    table = IdTable.build(["a", "b"])
    with pytest.raises(SearchError, match="no row"):
        table.id_of(row)
    with pytest.raises(SearchError, match="no row"):
        table.ids_of(np.array([0, row]))


def table_of(text: bytes, offsets: list[int], order: list[int]) -> IdTable:
    return IdTable(
        np.frombuffer(text, np.uint8), np.array(offsets, np.int64), np.array(order, np.int64)
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (table_of(b"ab", [0, 1, 2], [0, 1]), None),
        (table_of(b"", [0], []), None),
        (table_of(b"ab", [0, 1], [0, 1]), "offsets have shape"),
        (table_of(b"ab", [0, 1, 3], [0, 1]), "rise"),
        (table_of(b"ab", [1, 1, 2], [0, 1]), "rise"),
        (table_of(b"ab", [0, 2, 2], [0, 1]), "rise"),
        (table_of(b"ab", [0, 5, 2], [0, 1]), "rise"),
        (table_of(b"ab", [0, 1, 2], [0, 0]), "permutation"),
        (table_of(b"ab", [0, 1, 2], [0, 2]), "permutation"),
        (table_of(b"ab", [0, 1, 2], [0, -1]), "permutation"),
        (table_of("é".encode(), [0, 1, 2], [0, 1]), "inside a character"),
        (table_of(b"a\xff", [0, 1, 2], [0, 1]), "UTF-8"),
        (IdTable(np.zeros(1, np.int8), np.zeros(2, np.int64), np.zeros(1, np.int64)), "int8"),
    ],
)
def test_reports_faults(table: IdTable, message: str | None) -> None:
    fault = table.fault()
    assert fault is None if message is None else fault is not None and message in fault


@given(
    st.lists(st.text("abé🎈", min_size=1, max_size=4), unique=True), st.text("abé🎈", max_size=3)
)
def test_finds_ids_by_prefix(ids: list[str], prefix: str) -> None:
    table = IdTable.build(ids)
    expected = sorted((text for text in ids if text.startswith(prefix)), key=str.encode)
    assert table.ids_of(table.starting_with(prefix, 100)) == expected
    assert table.ids_of(table.starting_with(prefix, 2)) == expected[:2]
    assert table.starting_with(prefix, 0) == []
    assert table.starting_with("\ud800", 5) == []


def test_does_not_read_past_inconsistent_arrays() -> None:
    if native is None:
        pytest.skip("installed without a C compiler")
    text, order = np.frombuffer(b"abc", np.uint8), np.arange(2)
    for offsets in ([0, 1, 4], [0, -1, 3], [2, 1, 3], [0, 1]):
        arrays = (text, np.array(offsets), order)
        with pytest.raises(IndexError):
            native.place_of(*arrays, b"b")
        with pytest.raises(IndexError):
            native.ids_of(*arrays, np.array([0, 1]))


@pytest.mark.parametrize("row", [2, 2**31, 2**62, 2**63 - 1, -1, -(2**63)])
def test_reports_an_order_outside_the_rows(row: int) -> None:
    table = IdTable.build(["a", "b"])
    assert IdTable(table.text, table.offsets, np.array([0, row])).fault() is not None
