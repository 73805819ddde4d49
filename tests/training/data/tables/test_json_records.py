import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.tables.format_detection import open_source
from bitrecall.training.data.tables.json_records import JsonSource
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

RECORDS = [
    {"user_id": "1015", "item_id": "33", "timestamp": 1600049490},
    {"user_id": "1030", "item_id": "22", "timestamp": 1600129867},
    {"user_id": "1015", "item_id": "22", "timestamp": 1600203059},
]
TRIPLES = [(record["user_id"], record["item_id"], float(record["timestamp"])) for record in RECORDS]


@pytest.fixture
def read(tmp_path, read_source):
    def read(content, *, name="a.ndjson", skip=False, **options):
        path = tmp_path / name
        if not isinstance(content, (str, bytes)):
            content = "".join(json.dumps(record) + "\n" for record in content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        read_options = ReadOptions(**options)
        return read_source(open_source(path, read_options), read_options, skip=skip)

    return read


@pytest.mark.parametrize("name", ["a.ndjson", "a.json", "a.txt", "a"])
@pytest.mark.parametrize(
    "content",
    [
        "".join(json.dumps(record) + "\n" for record in RECORDS),
        "\n".join(json.dumps(record, separators=(",", ":")) for record in RECORDS),
        "\n\n".join(json.dumps(record) for record in RECORDS),
        "\r\n".join(json.dumps(record) for record in RECORDS),
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "[\n" + ",\n".join(json.dumps(record) for record in RECORDS) + "\n]\n",
        "\ufeff" + json.dumps({"data": RECORDS}, indent=1),
        "\n".join(json.dumps(record, indent=1) for record in RECORDS),
    ],
    ids=[
        "lines",
        "compact",
        "blank lines",
        "CRLF",
        "array",
        "indented array",
        "array of lines",
        "record with a list, indented",
        "indented records",
    ],
)
def test_reads_records_in_all_layouts(read, content, name):
    assert read(content, name=name)[0] == TRIPLES


def test_keeps_numeric_ids_as_written(read):
    ids = ["7", "-1", "9223372036854775808", "123456789012345678901234567890"]
    content = "".join(f'{{"user_id": {number}, "item_id": "{number}"}}\n' for number in ids)
    _, users, items, _ = read(content)
    assert users == items == ids


def test_nested_members_have_dotted_names(read):
    records = [{"who": {"user": {"id": record["user_id"]}}, "what": record} for record in RECORDS]
    options = {"user_column": "who.user.id", "item_column": "what.item_id"}
    assert read(records, **options)[0] == TRIPLES


def test_detects_common_names_in_nested_records(read):
    records = [{"topic": "clicks", "offset": 5, "value": record} for record in RECORDS]
    assert read(records)[0] == TRIPLES


@pytest.mark.parametrize(
    "record",
    [
        {"user": {"id": "u"}, "product": {"sku": "i"}},
        {"_source": {"visitor_id": "u", "sku": "i"}},
        {"userId": {"$numberLong": "u"}, "itemId": "i", "_id": {"$oid": "5"}},
        {"type": "track", "userId": "u", "properties": {"product_id": "i"}},
    ],
)
def test_detects_nested_names_of_common_tools(read, record):
    assert read([record, record])[0] == [("u", "i", None)] * 2


def test_a_list_of_records_gives_one_row_per_record(read):
    records = [
        {"session": 1, "events": [{"aid": 10, "ts": 1661724000278}, {"aid": 11, "ts": 1661724e6}]},
        {"session": 2, "events": []},
        {"session": 3, "events": [{"aid": 10, "ts": 1661724000000}]},
        {"session": 4},
    ]
    triples, users, _, bad = read(records)
    assert triples == [("1", "10", 1661724000.278), ("1", "11", 1661724e3), ("3", "10", 1661724e3)]
    assert (users, bad.count) == (["1", "3"], 0)


def test_a_list_of_ids_gives_one_row_per_id(read):
    records = [{"user": "u", "items": ["x", "y"]}, {"user": "v", "items": ["z"]}]
    assert read(records, item_column="items")[0] == [
        ("u", "x", None),
        ("u", "y", None),
        ("v", "z", None),
    ]


def test_reads_google_analytics_events(read):
    records = [
        {
            "event_timestamp": f"{record['timestamp']}000000",
            "event_params": [{"key": "k", "value": {"string_value": "v", "int_value": "7"}}] * n,
            "user_pseudo_id": record["user_id"],
            "user_id": None,
            "items": [{"item_id": record["item_id"], "item_name": "x"}],
        }
        for n, record in enumerate(RECORDS)
    ]
    assert read(records)[0] == TRIPLES
    assert read(records, item_column="items.item_id")[0] == TRIPLES


def test_rejects_columns_of_different_lists(read):
    records = [{"user": "u", "a": [{"x": "1"}, {"x": "2"}], "b": [{"y": 3}]}]
    with pytest.raises(DataError, match=r"are in different lists \(a, b\)"):
        read(records, item_column="a.x", time_column="b.y")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"user_id": "a", "item_id"', "is not JSON: "),
        ("nonsense", "is not JSON: Expecting value at character 1"),
        ("[1, 2]", "is JSON, but not a record"),
        ("3", "is JSON, but not a record"),
        ('{"user_id": "a"}', "the item id is empty"),
        ('{"user_id": "a", "item_id": null}', "the item id is empty"),
        ('{"user_id": {"x": 1}, "item_id": "b"}', "the user id is empty"),
        ('{"user_id": "a", "item_id": "b", "timestamp": "soon"}', "'soon' is not a number"),
    ],
)
def test_reports_a_bad_line(read, line, reason):
    lines = [json.dumps(record) for record in RECORDS]
    content = "\n".join([*lines[:2], line, lines[2]])
    with pytest.raises(DataError, match=rf"a\.ndjson, line 3: .*{reason}"):
        read(content)
    triples, _, _, bad = read(content, skip=True)
    assert (triples, bad.count) == (TRIPLES, 1)


def test_reports_the_record_at_which_an_array_ends(read):
    content = json.dumps(RECORDS)[:-20]
    with pytest.raises(DataError, match=r"record 3: is not JSON"):
        read(content)


@pytest.mark.parametrize("content", ["{}", "[]", "[1, 2]", "{not json", "[broken", "{\n"])
def test_a_file_that_starts_like_json_has_no_other_format(read, content):
    with pytest.raises(DataError, match="begins like JSON but has no records; expected one record"):
        read(content, name="a.txt")


VALUES = st.one_of(st.text(max_size=3), st.integers(), st.none(), st.booleans())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.dictionaries(st.sampled_from(["u", "i", "x"]), VALUES, max_size=3), min_size=1),
    st.integers(1, 200),
)
def test_reading_blocks_equals_reading_lines(tmp_path_factory, records, size):
    path = tmp_path_factory.mktemp("json") / "a.json"
    records = [{"u": "a", "i": "b"}, *records]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))

    def rows(source):
        return [
            (line, *values)
            for batch in source.batches(["u", "i"])
            for line, values in zip(batch.lines.tolist(), batch.frame.rows(), strict=True)
        ]

    def text(value):
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value)

    expected = [
        (line, text(record.get("u")), text(record.get("i")))
        for line, record in enumerate(records, start=1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bitrecall.training.data.files.text_file.BLOCK_BYTES", size)
        assert rows(JsonSource(TextFile(path))) == expected
