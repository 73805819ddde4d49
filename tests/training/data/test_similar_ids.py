import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.similar_ids import id_warnings, similar_ids


@pytest.mark.parametrize(
    ("ids", "expected"),
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
def test_warns_of_ids_that_look_the_same(ids: list[str], expected: str) -> None:
    (warning,) = similar_ids([*ids, "another"])
    assert expected in warning


@pytest.mark.parametrize(
    "ids", [[], ["1"], ["1", "10", "100"], ["a", "b"], ["1.5", "1"], ["0", "00a"], ["a-b", "ab"]]
)
def test_does_not_warn_of_other_ids(ids: list[str]) -> None:
    assert similar_ids(ids) == []


@given(st.lists(st.text("aA0.1\u0301\u00e1\u200b ", min_size=1, max_size=5), unique=True))
def test_agrees_with_folding_each_id(ids: list[str]) -> None:
    warnings = " ".join(text for text in similar_ids(ids) if text.startswith("differ only"))
    lower = [text.lower() for text in ids]
    composed = [unicodedata.normalize("NFC", text) for text in ids]
    assert ("case" in warnings) == (len(set(lower)) < len(ids))
    assert ("NFC" in warnings) == (len(set(composed)) < len(ids))


def test_does_not_warn_of_ids_of_the_same_form() -> None:
    assert similar_ids(["7.0", "8.0", "a"]) == []
    assert similar_ids(["e\u0301", "a\u0300", "\u4e2d"]) == []


def test_warns_of_ids_that_look_like_missing_values(tmp_path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\nNULL,a\nNULL,b\nu,a\nu,NaN\n")
    dataset = load_dataset(tmp_path / "log.csv", ReadOptions(split=Split.NONE))
    assert id_warnings(dataset) == [
        "user id 'NULL' (2 pairs) looks like a missing value; to leave it out: "
        "--where \"user_id != 'NULL'\"",
        "item id 'NaN' (1 pair) looks like a missing value; to leave it out: "
        "--where \"item_id != 'NaN'\"",
    ]
    without = ReadOptions(split=Split.NONE, where="user_id != 'NULL' and item_id != 'NaN'")
    assert len(load_dataset(tmp_path / "log.csv", without).train) == 1


@pytest.mark.parametrize("ids", ["N55689-1 N35729-0", "[12, 7]", "a1|b2|c3"])
def test_warns_of_lists_of_items(tmp_path, ids: str) -> None:
    lines = "".join(f"u{row}\t{ids}{row}\n" for row in range(3))
    (tmp_path / "log.tsv").write_text(f"user_id\titem_id\n{lines}u9\tplain 3\n")
    dataset = load_dataset(tmp_path / "log.tsv", ReadOptions(split=Split.NONE))
    assert f"item ids look like lists of ids, such as '{ids}0': each row must have one item" in (
        id_warnings(dataset)
    )


def test_titles_are_not_lists(tmp_path) -> None:
    (tmp_path / "log.tsv").write_text("user_id\titem_id\nu\tArea 51\nu\t12 Monkeys\nu\tA1\n")
    dataset = load_dataset(tmp_path / "log.tsv", ReadOptions(split=Split.NONE))
    assert id_warnings(dataset) == []
