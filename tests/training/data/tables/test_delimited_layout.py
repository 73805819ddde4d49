import pytest

from bitrecall.training.data.read_options import ReadOptions, TimeUnit
from bitrecall.training.data.tables.format_detection import open_source
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow


@pytest.fixture
def read(tmp_path, read_source):
    def read(content, *, name="a.csv", skip=False, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        read_options = ReadOptions(skip_bad_rows=skip, **options)
        return read_source(open_source(path, read_options), read_options, skip=skip)

    return read


@pytest.mark.parametrize(
    "content",
    [
        "user,item,time\nb,y,1\na,x,2\nb,x,3\n",
        "user,item,time\r\nb,y,1\r\na,x,2\r\nb,x,3",
        "\ufeffuser,item,time\nb,y,1\n\na,x,2\nb,x,3\n",
        '"user","item","time"\n"b","y","1"\n"a","x","2"\n"b","x","3"\n',
        "time;item;user\n1;y;b\n2;x;a\n3;x;b\n",
        "user\titem\ttime\nb\ty\t1\na\tx\t2\nb\tx\t3\n",
        "user|rating|item|time\nb|5|y|1\na|4|x|2\nb||x|3\n",
        "user item time\nb y 1\na x 2\nb x 3\n",
        "user,item,time\nb,y,1970-01-01T00:00:01\na,x,1970-01-01T00:00:02Z\n"
        "b,x,1970-01-01T01:00:03+01:00\n",
    ],
    ids=["plain", "CRLF", "BOM", "quotes", "semicolon", "tab", "bar", "space", "ISO 8601"],
)
def test_reads_rows_in_order(read, content):
    triples, users, items, _ = read(content)
    assert triples == [("b", "y", 1.0), ("a", "x", 2.0), ("b", "x", 3.0)]
    assert (users, items) == (["b", "a"], ["y", "x"])


IDS = ["007", "7", "1.0", "1", "1e3", "NaN", "null", "True", "a,b", 'say "hi"', "two\nlines"]
IDS += ["é", "e\u0301", "🙂", "\uff10\uff17", "-0", "0x10", "2024-01-01", "A", "a"]


def test_keeps_ids_unchanged(read):
    quoted = ['"' + text.replace('"', '""') + '"' for text in IDS]
    content = "user,item\n" + "".join(f"{text},{text}\n" for text in quoted)
    triples, users, items, _ = read(content)
    assert (users, items) == (IDS, IDS)
    assert [user for user, _, _ in triples] == IDS


def test_a_tsv_file_is_split_at_tabs_only(read):
    triples, *_ = read("user\titem\tuser,item\nb\ty\tz\n", name="a.tsv")
    assert triples == [("b", "y", None)]


def test_uses_the_delimiter_and_the_columns_of_the_options(read):
    options = {"user_column": "who", "item_column": "what", "time_column": "when"}
    triples, *_ = read("who#what#when\nb#y#1\n", delimiter="#", **options)
    assert triples == [("b", "y", 1.0)]


def test_uses_named_columns_for_a_file_without_a_header(read):
    columns = ("user", "item", "rating", "time")
    triples, *_ = read("b\ty\t5\t1\na\tx\t4\t2\n", name="u.data", columns=columns)
    assert triples == [("b", "y", 1.0), ("a", "x", 2.0)]


def test_reads_times_in_milliseconds(read):
    content = "user,item,time\nb,y,1700000000123\n"
    assert read(content)[0] == [("b", "y", 1_700_000_000.123)]
    small = "user,item,time\nb,y,5000\n"
    assert read(small, time_unit=TimeUnit.MILLISECONDS)[0] == [("b", "y", 5.0)]


def test_a_time_unit_does_not_change_iso_times(read):
    content = "user,item,time\nb,y,1970-01-01T00:00:05Z\n"
    assert read(content, time_unit=TimeUnit.MILLISECONDS)[0] == [("b", "y", 5.0)]


BAD = [
    ("a,x", "has 2 fields, but the header has 3"),
    ("a,x,1,1", "has 4 fields, but the header has 3"),
    ("a", "has 1 field, but the header has 3"),
    (",x,1", "the user id is empty"),
    ("  ,x,1", "the user id is empty"),
    ("a,,1", "the item id is empty"),
    ('a,"",1', "the item id is empty"),
    ("a,x,", "the time is empty"),
    ("a,x,noon", "the time 'noon' is not a number"),
    ("a,x,NaN", "the time 'NaN' is not finite"),
    ("a,x,inf", "the time 'inf' is not finite"),
    ("a,x,1e30", r"the time 1e\+30 is more than a day in the future"),
    ("a,x,2024-01-01", "the time '2024-01-01' is not a number, but those before it are"),
    (b"a,\xe9,1", "is not UTF-8"),
    ('"a"b,x,1', "has text after a closing double quote"),
    ('"a,x,1', "has a double quote that is never closed"),
]


@pytest.mark.parametrize(("row", "reason"), BAD)
def test_reports_a_bad_row_with_file_line_and_reason(tmp_path, read, row, reason):
    row = row.encode() if isinstance(row, str) else row
    # Because of the quoted line end, the bad row is the fourth record but on line 5.
    content = b'user,item,time\n"b\nb",y,1\nc,y,2\n' + row + b"\nd,z,3\n"
    with pytest.raises(DataError, match=reason) as caught:
        read(content)
    assert caught.value.file == str(tmp_path / "a.csv")
    assert caught.value.line == 5
    assert str(caught.value).startswith(f"{tmp_path / 'a.csv'}, line 5: ")


@pytest.mark.parametrize(("row", "reason"), BAD)
def test_skips_a_bad_row_without_adding_its_ids(read, row, reason):
    row = row.encode() if isinstance(row, str) else row
    content = b'user,item,time\n"b\nb",y,1\nc,y,2\n' + row + b"\nd,z,3\n"
    triples, users, items, bad_rows = read(content, skip=True)
    assert triples == [("b\nb", "y", 1.0), ("c", "y", 2.0), ("d", "z", 3.0)]
    assert (users, items) == (["b\nb", "c", "d"], ["y", "z"])
    assert bad_rows.count == 1
    assert ", line 5: " in bad_rows.examples[0]


def test_a_row_with_an_invalid_time_adds_no_ids(read):
    content = "user,item,time\na,x,1e30\nb,y,1\na,x,2\n"
    _, users, items, _ = read(content, skip=True, time_unit=TimeUnit.SECONDS)
    assert (users, items) == (["b", "a"], ["y", "x"])


def test_counts_bad_rows_and_keeps_the_first_five(read):
    content = "user,item\n" + "a\n" * 7 + "a,x\n"
    triples, _, _, bad_rows = read(content, skip=True)
    assert triples == [("a", "x", None)]
    assert (bad_rows.count, len(bad_rows.examples)) == (7, 5)


def test_ignores_errors_in_an_unused_time_column(read):
    assert read("user,item,time\na,x,noon\n", use_times=False)[0] == [("a", "x", None)]


def test_a_header_alone_has_no_pairs(read):
    assert read("user,item,time")[:3] == ([], [], [])


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("who,what\na,x\n", r"no user column with a common name; the columns are who, what"),
        (b"user,item,\xff\na,x,1\n", "line 1: byte 0xFF at position 11 is not UTF-8"),
        ("a,x\nb,y\n", "no user column with a common name; the columns are a, x"),
        ("user,item\n".encode("utf-16-le"), "binary data, not text; if it is UTF-16"),
    ],
)
def test_rejects_an_unusable_file_even_if_bad_rows_are_skipped(read, content, message, skip):
    with pytest.raises(DataError, match=message):
        read(content, skip=skip)
