import pytest

from bitrecall.training.data.rows.file_rows import BadRows, Vocabulary
from bitrecall.training.data.tables.lightgcn_text import is_lightgcn, read_lightgcn
from bitrecall.training.errors import DataError


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
def test_reads_a_line_as_a_user_and_items(tmp_path, content):
    pairs, users, items, rows, _ = read(tmp_path, content)
    assert pairs == [("0", "5"), ("0", "3"), ("1", "3")]
    assert (users, items) == (["0", "1"], ["5", "3"])
    assert rows.times is None


def test_keeps_ids_unchanged(tmp_path):
    ids = ["1.0", "1", "01", "a,b", "é🙂", "non\u00a0breaking", "1e3", '"quoted"']
    pairs, *_ = read(tmp_path, f"007 {' '.join(ids)}\n".encode())
    assert [item for _, item in pairs] == ids
    assert pairs[0][0] == "007"


def test_adds_and_counts_a_user_without_items(tmp_path):
    pairs, users, _, rows, _ = read(tmp_path, b"a\nb 1\nc \n")
    assert pairs == [("b", "1")]
    assert users == ["a", "b", "c"]
    assert rows.users_without_items == 2


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_pairs(tmp_path, content):
    pairs, users, *_ = read(tmp_path, content)
    assert (pairs, users) == ([], [])


def test_reports_a_line_that_is_not_utf8(tmp_path):
    with pytest.raises(DataError, match=r"train\.txt, line 3: is not UTF-8") as caught:
        read(tmp_path, b"a 1\n\nb \xff\n")
    assert caught.value.line == 3


def test_skips_bad_lines_without_adding_their_ids(tmp_path):
    pairs, users, items, _, bad_rows = read(tmp_path, b"a 1\nb 2 \xff\nc 3\n", skip=True)
    assert pairs == [("a", "1"), ("c", "3")]
    assert (users, items) == (["a", "c"], ["1", "3"])
    assert bad_rows.count == 1
    assert bad_rows.examples == [f"{tmp_path / 'train.txt'}, line 2: is not UTF-8"]


def test_rejects_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_lightgcn(tmp_path / "none.txt", Vocabulary(), BadRows())


@pytest.mark.parametrize(
    "lines",
    [
        ["0 5 3", "1 3"],
        ["u0 i5 i3", "u1 i3", "u2"],
        ["0 1 2 3", "", "1 2 ", "2 5"],
        ["a-1 0x3f", "b_2 77 8"],
        ["1 2", "1 3", "2 3"],
        ["0 4 5 6", "1 3 5 7"],
    ],
)
def test_recognises_lines_of_the_format(lines):
    assert is_lightgcn(lines)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["0 1 2"],
        ["196 242 3 881250949", "186 302 3 891717742"],
        ["196 242 3", "186 302 3"],
        ["196\t242\t3\t881250949", "186\t302\t3"],
        ["ERROR 1045 (28000): Access denied for user shop", "1 2"],
        ["b y", "a x y"],
        ["0 5 3", "0 3"],
        ["0  5 3", "1 3"],
        ["0 5.0 3", "1 3"],
        ["0 2020-09-14T02:11:30Z", "1 3 4"],
        ["a1 b2", "a1 b3"],
        ["1,2", "3,4,5"],
        ['{"user_id":', "1 2"],
    ],
)
def test_rejects_lines_of_other_formats(lines):
    assert not is_lightgcn(lines)


def test_lines_of_ids_are_enough_if_the_format_is_likely():
    assert is_lightgcn(["0 11 12"], likely=True)
    assert not is_lightgcn(["user_id,item_id", "0,11"], likely=True)


@pytest.mark.parametrize(("bad", "fault"), [(b"a\0b", r"U\+0000"), (b"x" * 1001, "longer than")])
def test_a_line_with_an_invalid_id_is_a_bad_row(tmp_path, bad, fault):
    content = b"1 2 3\n4 " + bad + b" 5\n6 7\n"
    with pytest.raises(DataError, match=rf"line 2: an id .*{fault}"):
        read(tmp_path, content)
    _, users, _, _, bad_rows = read(tmp_path, content, skip=True)
    assert (users, bad_rows.count) == (["1", "6"], 1)
