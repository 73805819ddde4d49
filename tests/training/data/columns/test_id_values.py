import polars as pl
import pytest

from bitrecall.training.data.columns.id_values import clean_ids, id_faults
from bitrecall.training.errors import DataError


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\u00a0", "\u3000", "  "])
def test_removes_white_space_around_an_id(blank: str) -> None:
    ids = pl.Series([f"{blank}a b{blank}", "a b", blank, "", None])
    assert clean_ids(ids, "user", "file").to_list() == ["a b", "a b", None, None, None]


def test_converts_integers_and_categories_to_text() -> None:
    assert clean_ids(pl.Series([7, -1, None]), "user", "file").to_list() == ["7", "-1", None]
    categories = pl.Series([" a", "b"], dtype=pl.Categorical)
    assert clean_ids(categories, "item", "file").to_list() == ["a", "b"]


def test_rejects_other_types() -> None:
    with pytest.raises(DataError, match="the user column has type Boolean"):
        clean_ids(pl.Series([True]), "user", "file")


def test_rejects_ids_that_are_invalid_in_an_event() -> None:
    ids = pl.Series(["a", None, "a\0b", "é" * 1000, "é" * 1001, "x" * 1001, "x" * 1000])
    assert id_faults(ids, "item") == {
        1: "the item id is empty",
        2: "the item id contains U+0000",
        4: "the item id is longer than 1,000 characters",
        5: "the item id is longer than 1,000 characters",
    }
    assert id_faults(pl.Series([], dtype=pl.String), "item") == {}


def test_accepts_integral_decimals_and_text_in_bytes() -> None:
    integral = pl.Series(["1.00", "20", None]).cast(pl.Decimal(20, 2))
    assert clean_ids(integral, "user", "file").to_list() == ["1", "20", None]
    large = pl.Series(["12345678901234567890123456789012345678"]).cast(pl.Decimal(38, 0))
    assert clean_ids(large, "user", "file").to_list() == ["12345678901234567890123456789012345678"]
    assert clean_ids(pl.Series([b"a", None, b" "]), "user", "file").to_list() == ["a", None, None]


def test_rejects_other_decimals_and_bytes() -> None:
    with pytest.raises(DataError, match="is not an integer"):
        clean_ids(pl.Series(["1.5"]).cast(pl.Decimal(20, 2)), "user", "file")
    with pytest.raises(DataError, match="bytes that are not UTF-8; write it as text"):
        clean_ids(pl.Series([b"\xff"]), "item", "file")
