import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.similar_ids import similar_ids, warnings_of_ids


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["7", "7.0", "8"], "differ only in .0 at the end: 2 of them, such as '7' and '7.0'"),
        (["7", "007", "8"], "in zeros at the front: 2 of them, such as '7' and '007'"),
        (["a", "A", "b", "B"], "in upper and lower case: 4 of them, such as 'a' and 'A'"),
        (["Caf\u00e9", "Cafe\u0301"], r"'Caf\xe9' and 'Cafe\u0301'"),
        (["a b", "a\u00a0b"], r"such as 'a b' and 'a\xa0b'"),
        (["ab", "a\u200bb"], r"such as 'ab' and 'a\u200bb'"),
        (["ab", "\ufeffab"], r"such as 'ab' and '\ufeffab'"),
        (["7.0", "8"], "mixed: some differ from others in .0 at the end, such as '7.0' and '8'"),
        (["e\u0301", "\u00e0"], r"NFD), such as 'e\u0301' and '\xe0'"),
    ],
)
def test_ids_that_differ_invisibly_are_told_of(ids: list[str], said: str) -> None:
    (warning,) = similar_ids([*ids, "another"])
    assert said in warning


@pytest.mark.parametrize(
    "ids", [[], ["1"], ["1", "10", "100"], ["a", "b"], ["1.5", "1"], ["0", "00a"], ["a-b", "ab"]]
)
def test_others_are_not(ids: list[str]) -> None:
    assert similar_ids(ids) == []


@given(st.lists(st.text("aA0.1\u0301\u00e1\u200b ", min_size=1, max_size=5), unique=True))
def test_it_finds_what_folding_one_by_one_finds(ids: list[str]) -> None:
    found = " ".join(one for one in similar_ids(ids) if one.startswith("differ only"))
    lower = [one.lower() for one in ids]
    normal = [unicodedata.normalize("NFC", one) for one in ids]
    assert ("case" in found) == (len(set(lower)) < len(ids))
    assert ("NFC" in found) == (len(set(normal)) < len(ids))


def test_ids_of_one_form_are_not_mixed() -> None:
    assert similar_ids(["7.0", "8.0", "a"]) == []
    assert similar_ids(["e\u0301", "a\u0300", "\u4e2d"]) == []


def test_text_for_missing_values_is_told_of_as_an_id(tmp_path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\nNULL,a\nNULL,b\nu,a\nu,NaN\n")
    dataset = load_dataset(tmp_path / "log.csv", ReadOptions(split=Split.NONE))
    assert warnings_of_ids(dataset) == [
        "user id 'NULL', of 2 pairs, looks like a missing value; "
        "--where \"user_id != 'NULL'\" leaves it out",
        "item id 'NaN', of 1 pairs, looks like a missing value; "
        "--where \"item_id != 'NaN'\" leaves it out",
    ]
    without = ReadOptions(split=Split.NONE, where="user_id != 'NULL' and item_id != 'NaN'")
    assert len(load_dataset(tmp_path / "log.csv", without).train) == 1


@pytest.mark.parametrize("listed", ["N55689-1 N35729-0", "[12, 7]", "a1|b2|c3"])
def test_lists_in_place_of_items_are_told_of(tmp_path, listed: str) -> None:
    lines = "".join(f"u{row}\t{listed}{row}\n" for row in range(3))
    (tmp_path / "log.tsv").write_text(f"user_id\titem_id\n{lines}u9\tplain 3\n")
    dataset = load_dataset(tmp_path / "log.tsv", ReadOptions(split=Split.NONE))
    assert f"item ids look like lists of ids, such as '{listed}0': a row is one item" in (
        warnings_of_ids(dataset)
    )


def test_titles_are_not_lists(tmp_path) -> None:
    (tmp_path / "log.tsv").write_text("user_id\titem_id\nu\tArea 51\nu\t12 Monkeys\nu\tA1\n")
    dataset = load_dataset(tmp_path / "log.tsv", ReadOptions(split=Split.NONE))
    assert warnings_of_ids(dataset) == []
