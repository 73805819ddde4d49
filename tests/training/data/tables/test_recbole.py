import pytest

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.tables.recbole import recbole_source
from bitrecall.training.errors import DataError

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


@pytest.fixture
def read(tmp_path, read_source):
    def read(content, **options):
        path = tmp_path / "a.inter"
        path.write_text(content, encoding="utf-8", newline="")
        read_options = ReadOptions(**options)
        return read_source(recbole_source(TextFile(path), read_options), read_options)[0]

    return read


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_reads_typed_columns(read, start, end):
    content = start + HEADER + "007\t1.0\t5\t874965758\n7\té,🙂\t3\t1\n"
    expected = [("007", "1.0", 874_965_758.0), ("7", "é,🙂", 1.0)]
    assert read(content.replace("\n", end)) == expected


def test_a_quote_is_an_ordinary_character(read):
    content = 'item_id:token\tuser_id:token\n"x\ta\n'
    assert read(content) == [("a", '"x', None)]


def test_uses_column_names_of_the_options(read):
    content = "who:token\twhat:token\twhen:float\na\tx\t3\n"
    options = {"user_column": "who", "item_column": "what", "time_column": "when"}
    assert read(content, **options) == [("a", "x", 3.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("user_id\titem_id\na\tx\n", "name every column with its type"),
        ("user_id:token,item_id:token\na,x\n", "name every column with its type"),
        ("user_id:token\titem_id:text\na\tx\n", "name every column with its type"),
        ("user_id:float\titem_id:token\n1\tx\n", "user column user_id has type float, not token"),
        ("user_id:token\titem_id:token_seq\na\tx\n", "item_id has type token_seq, not token"),
        (HEADER.replace("timestamp:float", "timestamp:token"), "timestamp has type token"),
        (
            "u:token\titem_id:token\na\tx\n",
            "no user column with a common name; the columns are u, item_id",
        ),
        (HEADER + "a\tx\t5\n", "line 2: has 3 fields, but the header has 4"),
        (HEADER + "a\tx\t5\t1\n\t\t5\t1\n", "line 3: the user id is empty"),
        (HEADER + "a\tx\t5\t\n", "line 2: the time is empty"),
    ],
)
def test_reports_what_is_wrong(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)
