import pytest

from training.data.lightgcn import read_lightgcn
from training.data.rows import BadRows, Vocabulary
from training.errors import DataError


def read(tmp_path, content, *, skip=False):
    path = tmp_path / "train.txt"
    path.write_bytes(content)
    vocabulary, bad_rows = Vocabulary(), BadRows(skip)
    rows = read_lightgcn(path, vocabulary, bad_rows)
    users, items = list(vocabulary.users), list(vocabulary.items)
    pairs = [(users[u], items[i]) for u, i in zip(rows.users, rows.items, strict=True)]
    return pairs, users, items, rows, bad_rows


@pytest.mark.parametrize(
    "content",
    [
        b"0 5 3\n1 3\n",
        b"0 5 3\n1 3",
        b"0 5 3\r\n1 3\r\n",
        b"\xef\xbb\xbf0 5 3\n1 3\n",
        b"\n0 5 3 \n\n  \n1 \t 3\n\n",
        b"0 5\n0 3\n1 3\n",
    ],
    ids=["plain", "no last line end", "CRLF", "BOM", "blank lines and spaces", "two lines"],
)
def test_a_line_is_a_user_and_its_items(tmp_path, content):
    pairs, users, items, rows, _ = read(tmp_path, content)
    assert pairs == [("0", "5"), ("0", "3"), ("1", "3")]
    assert (users, items) == (["0", "1"], ["5", "3"])
    assert rows.times is None


def test_ids_stay_what_they_are(tmp_path):
    ids = ["1.0", "1", "01", "a,b", "é🙂", "non\u00a0breaking", "1e3", '"quoted"']
    pairs, *_ = read(tmp_path, f"007 {' '.join(ids)}\n".encode())
    assert [item for _, item in pairs] == ids
    assert pairs[0][0] == "007"


def test_a_user_without_items_joins_the_vocabulary_and_is_counted(tmp_path):
    pairs, users, _, rows, _ = read(tmp_path, b"a\nb 1\nc \n")
    assert pairs == [("b", "1")]
    assert users == ["a", "b", "c"]
    assert rows.users_without_items == 2


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_pairs(tmp_path, content):
    pairs, users, *_ = read(tmp_path, content)
    assert (pairs, users) == ([], [])


def test_a_line_that_is_not_utf8_is_named(tmp_path):
    with pytest.raises(DataError, match=r"train\.txt, line 3: is not UTF-8") as caught:
        read(tmp_path, b"a 1\n\nb \xff\n")
    assert caught.value.line == 3


def test_bad_lines_can_be_skipped_and_leave_nothing_behind(tmp_path):
    pairs, users, items, _, bad_rows = read(tmp_path, b"a 1\nb 2 \xff\nc 3\n", skip=True)
    assert pairs == [("a", "1"), ("c", "3")]
    assert (users, items) == (["a", "c"], ["1", "3"])
    assert bad_rows.count == 1
    assert bad_rows.examples == [f"{tmp_path / 'train.txt'}, line 2: is not UTF-8"]


def test_utf16_is_refused_with_advice(tmp_path):
    with pytest.raises(DataError, match="UTF-16; save it as UTF-8"):
        read(tmp_path, "a 1\n".encode("utf-16"))


def test_a_file_that_is_not_there_is_an_error_of_ours(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_lightgcn(tmp_path / "none.txt", Vocabulary(), BadRows())
