import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.tables.csv_records import parse_records, split_line
from bitrecall.training.data.tables.delimited import DelimitedSource
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow


def read(path, *, skip=False, quotes=True, delimiter=","):
    bad = []
    records = list(parse_records(TextFile(path).blocks(), path, delimiter, quotes=quotes, bad=bad))
    if bad and not skip:
        raise bad[0]
    return records, bad


def write(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\nc,d\n", [(1, ["a", "b"]), (2, ["c", "d"])]),
        ("a,b\r\nc,d", [(1, ["a", "b"]), (2, ["c", "d"])]),
        ("\ufeffa,b\n", [(1, ["a", "b"])]),
        ("\n\na,b\n  \nc,d\n\n", [(3, ["a", "b"]), (5, ["c", "d"])]),
        ('"a\nb\r\nc",d\ne,f\n', [(1, ["a\nb\r\nc", "d"]), (4, ["e", "f"])]),
        ('"a,b","c ""d"""\n', [(1, ["a,b", 'c "d"'])]),
        (" a , b\n", [(1, [" a ", " b"])]),
        ('a "b" c,d\n', [(1, ['a "b" c', "d"])]),
        ("é,🙂\u2028x\n", [(1, ["é", "🙂\u2028x"])]),
        ("", []),
        ("\n\n", []),
    ],
    ids=[
        "plain",
        "CRLF and no last line end",
        "BOM",
        "blank lines count as lines",
        "line ends in quotes",
        "delimiter and quotes in quotes",
        "spaces stay",
        "quotes inside a field stay",
        "unicode line separators are letters",
        "empty",
        "blank",
    ],
)
def test_records_have_the_number_of_their_first_line(tmp_path, content, expected):
    assert read(write(tmp_path, content))[0] == expected


def test_without_quoting_a_quote_is_an_ordinary_character(tmp_path):
    path = write(tmp_path, '"a\tb"\nc\td\n')
    assert read(path, quotes=False, delimiter="\t")[0] == [(1, ['"a', 'b"']), (2, ["c", "d"])]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ('a,b\n"c,d\ne,f\n', 2, "never closed"),
        ('a,b\n\n"c\nd"x,e\n', 3, "after a closing double quote"),
        ("a,b\nc\rd,e\n", 2, "carriage return"),
        (b"a,b\nc,\xff\n", 2, "not UTF-8"),
        (b'a,b\n"c\nd\xff",e\n', 2, "not UTF-8"),
        ('a,b\n"' + "x\n" * 70_000 + '",d\n', 2, "never closed"),
    ],
)
def test_reports_a_bad_record_with_its_first_line(tmp_path, content, line, reason):
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=reason) as caught:
        read(path)
    assert (caught.value.file, caught.value.line) == (str(path), line)


def test_an_unclosed_quote_loses_only_one_line(tmp_path):
    path = write(tmp_path, 'a,b\n"c,d\ne,f\n\ng,h\n"i,j\n')
    records, bad = read(path, skip=True)
    assert records == [(1, ["a", "b"]), (3, ["e", "f"]), (5, ["g", "h"])]
    assert len(bad) == 2
    assert [error.line for error in bad] == [2, 6]


TEXT = st.text(st.sampled_from('ab,"\n\r é\t🙂'), max_size=6)


@settings(max_examples=200)
@given(st.lists(st.lists(TEXT, min_size=2, max_size=3), max_size=6))
def test_reads_what_the_csv_module_writes(tmp_path_factory, rows):
    content = io.StringIO(newline="")
    starts = []
    writer = csv.writer(content, quoting=csv.QUOTE_ALL)
    for row in rows:
        starts.append(content.getvalue().count("\n") + 1)
        writer.writerow(row)
    path = write(tmp_path_factory.mktemp("csv"), content.getvalue())
    assert read(path)[0] == list(zip(starts, rows, strict=True))


@settings(max_examples=200)
@given(st.binary(max_size=40))
def test_any_bytes_give_records_or_bad_rows(tmp_path_factory, content):
    path = write(tmp_path_factory.mktemp("csv"), b"a,b\n" + content)
    records, bad = read(path, skip=True)
    assert records[0] == (1, ["a", "b"])
    lines = (b"a,b\n" + content).split(b"\n")
    assert all(1 <= line <= len(lines) for line, _ in records)
    assert sorted({line for line, _ in records}) == [line for line, _ in records]
    if not bad:
        content.decode()


def test_split_line_returns_a_line_with_wrong_quotes():
    assert split_line('a,"b', ",", quotes=True) == ['a,"b']
    assert split_line('a,"b', ",", quotes=False) == ["a", '"b']


FIELD = st.text(st.sampled_from('ab," \né\r\0'), max_size=3)
ROWS = st.lists(st.lists(FIELD, min_size=1, max_size=4), max_size=8)


@settings(max_examples=400)
@given(ROWS, st.booleans(), st.integers(1, 30))
def test_batches_do_not_depend_on_the_block_size(tmp_path_factory, rows, quoted, size):
    content = io.StringIO(newline="")
    how = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(content, quoting=how, lineterminator="\n").writerows(rows)
    text = (
        "u,i,t\n" + content.getvalue()
        if quoted
        else "u,i,t\n"
        + "".join(",".join(row).replace('"', "").replace("\n", "") + "\n" for row in rows)
    )
    path = write(tmp_path_factory.mktemp("csv"), text)
    bad = []
    expected = [
        (line, fields[2], fields[0])
        for line, fields in parse_records([text.encode()], path, ",", quotes=True, bad=bad)
        if line > 1 and len(fields) == 3
    ]
    source = DelimitedSource(TextFile(path), ["u", "i", "t"], ",", quotes=True, skip=1)
    records = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bitrecall.training.data.files.text_file.BLOCK_BYTES", size)
        for batch in source.batches(["t", "u"]):
            records += zip(batch.lines.tolist(), batch.frame["t"], batch.frame["u"], strict=True)
    assert records == expected


def test_reads_a_table_with_one_column(tmp_path):
    source = DelimitedSource(
        TextFile(write(tmp_path, "id\na\n\nb\n")), ["id"], ",", quotes=True, skip=1
    )
    batches = list(source.batches(["id"]))
    assert [id_ for batch in batches for id_ in batch.frame["id"]] == ["a", "b"]
    assert [line for batch in batches for line in batch.lines.tolist()] == [2, 4]


def test_reports_a_quoted_field_that_is_too_long(tmp_path):
    path = write(tmp_path, 'a,"' + "x" * (csv.field_size_limit() + 1) + '"\n')
    with pytest.raises(DataError, match="quoted field of more than 131,072 characters"):
        read(path)
