import polars as pl
import pytest

from training.data.ids import clean_ids
from training.errors import DataError


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\u00a0", "\u3000", "  "])
def test_blanks_around_an_id_are_not_part_of_it(blank: str) -> None:
    ids = pl.Series([f"{blank}a b{blank}", "a b", blank, "", None])
    assert clean_ids(ids, "user", "file").to_list() == ["a b", "a b", None, None, None]


def test_integers_and_categories_become_text() -> None:
    assert clean_ids(pl.Series([7, -1, None]), "user", "file").to_list() == ["7", "-1", None]
    categories = pl.Series([" a", "b"], dtype=pl.Categorical)
    assert clean_ids(categories, "item", "file").to_list() == ["a", "b"]


def test_other_types_are_refused() -> None:
    with pytest.raises(DataError, match="the user column has type Boolean"):
        clean_ids(pl.Series([True]), "user", "file")
