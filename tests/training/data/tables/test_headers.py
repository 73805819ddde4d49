"""Detection of headers, and lines before the table."""

import pytest

from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.tables.format_detection import open_source
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow


@pytest.fixture
def read(tmp_path, read_source):
    def read(content, *, name="a.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode())
        read_options = ReadOptions(**options)
        source = open_source(path, read_options)
        return read_source(source, read_options)[0], source.notes

    return read


ROWS = [("1015", "33", 1_600_049_490.0), ("1030", "22", 1_600_129_867.0)]


@pytest.mark.parametrize("name", ["u.data", "ratings.dat", "a.csv", "a"])
@pytest.mark.parametrize("delimiter", ["\t", "::", ",", ";", "|", " ", "\x01"])
def test_reads_movielens_rows_without_a_header(read, name, delimiter):
    lines = ["1015 33 5 1600049490", "1030 22 1 1600129867"]
    content = "".join(line.replace(" ", delimiter) + "\n" for line in lines)
    rows, (note,) = read(content, name=name)
    assert rows == ROWS
    assert "user_id, item_id, rating, timestamp" in note
    assert "--columns" in note


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (
            "A1015,B33,5.0,1600049490\nA1030,B22,1.0,1600129867\n",
            "user_id,item_id,rating,timestamp",
        ),
        ("A1015\tB33\nA1015\tB22\n", "user_id,item_id"),
        (
            "1015\t2020-09-14T02:11:30Z\t30.23\t-97.79\t33\n1030\t2020-09-15T00:31:07Z\t30.2\t-9.1\t22\n",
            "user_id,timestamp,column3,column4,item_id",
        ),
        (
            "1,2014-04-07T10:51:09.277Z,214536502,0\n1,2014-04-07T10:54:09.868Z,214536500,0\n",
            "user_id,timestamp,item_id,column4",
        ),
        ("1,2268318,2520377,pv,1511544070\n1,2333346,2520771,buy,1511561733\n", "user_id,item_id"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_rejects_other_tables_without_a_header_and_suggests_columns(read, content, columns, name):
    with pytest.raises(DataError, match=f"has no header: line 1 is data .* --columns {columns}"):
        read(content, name=name)


def test_does_not_use_a_row_as_the_header_because_an_option_names_its_values(read):
    content = "A1015,B33,5.0,1600049490\nA1030,B22,1.0,1600129867\n"
    with pytest.raises(DataError, match="has no header"):
        read(content, user_column="A1015", item_column="B33")


def test_accepts_a_numbered_header_of_pandas(read):
    rows, _ = read("0,1\na,x\nb,y\n", user_column="0", item_column="1")
    assert rows == [("a", "x", None), ("b", "y", None)]


def test_reads_all_rows_if_the_columns_are_named(read):
    columns = ("user_id", "item_id", "rating", "timestamp")
    content = "1015,33,5.0,1600049490\n1030,22,1.0,1600129867\n"
    assert read(content, columns=columns) == (ROWS, ())


@pytest.mark.parametrize(
    "header", ["userId,movieId,rating,timestamp", "u,i,r,t", "USER ID,Item Id,Rating,Timestamp"]
)
def test_skips_a_header_if_the_columns_are_named(read, header):
    columns = ("user_id", "item_id", "rating", "timestamp")
    content = f"{header}\n1015,33,5.0,1600049490\n1030,22,1.0,1600129867\n"
    rows, (note,) = read(content, columns=columns)
    assert rows == ROWS
    assert note.startswith("line 1 is a header (")


def test_rejects_columns_that_do_not_fit_the_file(read):
    with pytest.raises(
        DataError, match=r"line 1: --columns names 2 columns, .* has 3 fields: a,b,c"
    ):
        read("a,b,c\n", columns=("user", "item"))


@pytest.mark.parametrize(
    ("before", "note"),
    [
        ("# exported by the shop\n", "line 1 is a comment and was skipped: # exported by the shop"),
        ("\n# a\n#\n", "line 2 is a comment and was skipped: # a"),
        ("% a, b\n", "line 1 is a comment"),
        ("// a\n", "line 1 is a comment"),
        ("\ufeff# a\r\n", "line 1 is a comment"),
    ],
)
def test_skips_and_notes_comments_before_the_header(read, before, note):
    rows, notes = read(before + "user_id,item_id,timestamp\n1015,33,1600049490\n")
    assert rows == ROWS[:1]
    assert notes[0].startswith(note)


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_uses_the_separator_line_of_excel(read, line):
    content = f"{line}\r\nuser_id;item_id;price\r\n1015;33;7,50\r\n1030;22;1,00\r\n"
    rows, (note,) = read("\ufeff" + content)
    assert rows == [("1015", "33", None), ("1030", "22", None)]
    assert "names the delimiter" in note


def test_reads_a_header_in_a_comment(read):
    rows, notes = read("# made by x\n#user_id\titem_id\n1\t2\n1\t3\n", name="a.txt")
    assert rows == [("1", "2", None), ("1", "3", None)]
    assert "line 1 is a comment" in notes[0]
    assert notes[1] == "line 2 is the header, after a comment sign"


def test_skips_comments_before_a_table_without_a_header(read):
    content = "% bip weighted\n% 2 1030 33\n1015 33 5 1600049490\n1030 22 1 1600129867\n"
    rows, notes = read(content, name="out.movielens")
    assert rows == ROWS
    assert len(notes) == 3


def test_reads_a_row_that_starts_like_a_comment_if_the_columns_are_named(read):
    rows, _ = read("#1,x\n#2,y\n", columns=("user", "item"))
    assert [user for user, _, _ in rows] == ["#1", "#2"]


@pytest.mark.parametrize("delimiter", ["::", "||", "~|~", "→"])
def test_reads_delimiters_of_several_characters(read, delimiter):
    content = "user::item::name\na::x::1\nb::y::\n".replace("::", delimiter)
    rows, _ = read(content, delimiter=delimiter)
    assert rows == [("a", "x", None), ("b", "y", None)]
    quoted = 'user::item\n"a::b"::x\n'.replace("::", delimiter)
    assert read(quoted, delimiter=delimiter)[0] == [(f"a{delimiter}b", "x", None)]


def test_reads_quotes_in_unquoted_tab_separated_text(read):
    content = 'user\titem\n1\t"Heroes\n2\t5" records\n'
    rows, _ = read(content, name="a.tsv")
    assert [item for _, item, _ in rows] == ['"Heroes', '5" records']


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_reports_a_missing_column_with_the_existing_ones(read, name):
    content = '"User-ID";"Cover";"Book-Rating"\n"1015";"03";"5"\n"1030";"04";"1"\n'
    with pytest.raises(
        DataError,
        match=r"no item column .*; the columns are User-ID, Cover, Book-Rating.*--item-column NAME",
    ):
        read(content, name=name)
    assert read(content.replace("Cover", "ISBN"), name=name)[0][0] == ("1015", "03", None)


def test_does_not_use_row_numbers_as_users(read):
    rows = "".join(f"{row},{5 + row % 2},{6 + row % 3},{1_600_049_490 + row}\n" for row in range(4))
    with pytest.raises(DataError, match="--columns row,user_id,item_id,timestamp"):
        read(rows)


def test_rejects_a_header_with_repeated_names(read):
    with pytest.raises(
        DataError, match="has 2 columns called 'item_id'; give them different names"
    ):
        read("user_id,item_id,item_id\n1,2,3\n")


@pytest.mark.parametrize(
    "before", ["7\t", "CreateTime:1600049490000\tPartition:0\t", "12:00 INFO "]
)
def test_rejects_json_after_other_text_and_suggests_a_command(read, before):
    line = before + '{"user_id": "a", "item_id": "b"}\n'
    with pytest.raises(DataError, match="JSON after other text in each line") as error:
        read(line * 3, name="dump.txt")
    assert "sed 's/^[^{]*//'" in str(error.value)
