"""Queries to databases: SQLite, and a PostgreSQL server of the tests."""

import datetime
import decimal
import sqlite3
import uuid

import pytest
from sqlalchemy import create_engine

from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.rows.file_rows import BadRows, Vocabulary
from bitrecall.training.data.rows.row_encoding import encode_rows
from bitrecall.training.data.tables.sql_query import SqlSource, is_database
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

QUERY = "select user_id, sku, at from orders"
ROWS = [("a", 7, 1_600_049_490), ("b", 8, 1_600_049_491), ("a", 8, 1_600_049_492)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "sqlite":
        sqlite3.connect(tmp_path / "shop.db").close()
        return f"sqlite:///{tmp_path}/shop.db"
    return request.getfixturevalue("postgres_url")


def run(url, *statements):
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def orders(url):
    values = ", ".join(f"('{user}', {item}, {at})" for user, item, at in ROWS)
    run(
        url,
        "create table orders (user_id text, sku integer, at bigint)",
        f"insert into orders values {values}",
    )
    return url


def read(url, query, **options):
    return load_dataset(url, ReadOptions(query=query, split=Split.NONE, **options)).train


def triples(pairs):
    times = [None] * len(pairs) if pairs.times is None else pairs.times
    return sorted(
        (pairs.user_ids[user], pairs.item_ids[item], time)
        for user, item, time in zip(pairs.users, pairs.items, times, strict=True)
    )


def test_reads_the_rows_of_a_query(orders):
    expected = sorted((user, str(item), float(at)) for user, item, at in ROWS)
    assert triples(read(orders, QUERY)) == expected


def test_filters_and_weights_use_columns_of_the_query(orders):
    query = "select user_id, sku, at, sku - 6 as quantity from orders"
    pairs = read(orders, query, where="sku > 7", weight="quantity")
    assert sorted(pairs.weights.tolist()) == [2, 2]
    assert len(pairs) == 2


def test_colons_and_percent_signs_are_not_parameters(orders):
    query = "select user_id, sku from orders where user_id not like '%z' and user_id <> ':b'"
    assert len(read(orders, query)) == 3


def test_does_not_change_the_database(orders):
    dataset = read(orders, QUERY)
    with pytest.raises(DataError):
        read(orders, "delete from orders")
    assert triples(read(orders, QUERY)) == triples(dataset)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("select user_id, sku from nowhere", "nowhere"),
        ("selec", "syntax"),
        ("select user_id from orders", "has no item column .*the columns are user_id"),
        ("select sku as item_id, at from orders", "has no user column .*item_id, at"),
        (None, "needs --query"),
        (" ", "needs --query"),
        ("select user_id, sku from orders where 1 = 0", "has no interactions"),
    ],
)
def test_rejects_a_query_that_returns_no_rows(orders, query, problem):
    with pytest.raises(DataError, match=problem):
        read(orders, query)


def test_errors_have_row_numbers(orders):
    query = "select case when sku = 8 then '' else user_id end as user_id, sku from orders"
    with pytest.raises(DataError, match="row 2: the user id is empty"):
        read(orders, query)
    assert len(read(orders, query, skip_bad_rows=True)) == 1


def test_reads_postgresql_types(postgres_url):
    run(
        postgres_url,
        "create table log (user_id uuid, item_id numeric(20, 0), at timestamptz, plain timestamp, "
        "day date, price numeric(8, 2), ok boolean)",
        "insert into log values ('6f1c2f0e-3b1a-4d58-9a52-0c4c1a8f7b11', 12345678901234567890, "
        "'2020-09-14 04:11:30+02', '2020-09-14 02:11:30', '2020-09-14', 9.5, true), "
        "('6f1c2f0e-3b1a-4d58-9a52-0c4c1a8f7b12', 7, null, null, null, null, null)",
    )
    user = "6f1c2f0e-3b1a-4d58-9a52-0c4c1a8f7b11"
    for column, seconds in (
        ("at", 1_600_049_490), ("plain", 1_600_049_490), ("day", 1_600_041_600)
    ):  # fmt: skip
        query = f"select user_id, item_id, {column} as time, price, ok from log"
        pairs = read(postgres_url, query, where="ok = true and price >= 9.5")
        assert triples(pairs) == [(user, "12345678901234567890", seconds)]
        with pytest.raises(DataError, match="row 2: the time is empty"):
            read(postgres_url, query)


def test_reads_a_column_of_mixed_types_in_sqlite(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("create table log (user_id, item_id)")
    rows = [("a", 1), (2, "x"), (3, b"y"), ("b", None)]
    connection.executemany("insert into log values (?, ?)", rows)
    connection.commit()
    connection.close()
    pairs = read(url, "select * from log", skip_bad_rows=True)
    assert triples(pairs) == [("2", "x", None), ("3", "y", None), ("a", "1", None)]


@pytest.mark.parametrize(
    "value", [datetime.timedelta(1), object(), decimal.Decimal("1.5"), uuid.uuid4()]
)
def test_rejects_values_without_a_common_type(value):
    from bitrecall.training.data.tables.python_values import series_of

    try:
        assert len(series_of("a", [value, None], "here")) == 2
    except DataError as error:
        assert "column 'a'" in str(error)  # noqa: PT017


def test_does_not_show_a_password(postgres_url, tmp_path):
    host = postgres_url.partition("@")[2]
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    for url in (
        f"postgresql://postgres:hunter2@{host}_missing",
        f"postgresql://postgres@{host}_missing?password_file={secret}",
        "postgresql://me:hunter2@127.0.0.1:1/shop",
        "nonsense://me:hunter2@host/shop",
        "postgresql://me:hunter2@host:port/shop",
        "mysql+missing://me:hunter2@host/shop",
        "postgresql://me@127.0.0.1:1/shop?password=hunter2",
    ):
        with pytest.raises(DataError) as caught:
            read(url, QUERY)
        assert "hunter2" not in str(caught.value)
    with pytest.raises(DataError, match="password file of the database"):
        read(f"postgresql://postgres@{host}?password_file={tmp_path}/none", QUERY)


def test_reads_a_password_file(orders, tmp_path):
    if not orders.startswith("postgresql"):
        pytest.skip("SQLite has no passwords")
    (tmp_path / "secret").write_text("anything\n")
    assert len(read(f"{orders}?password_file={tmp_path}/secret", QUERY)) == 3


def test_reports_a_missing_driver(monkeypatch):
    import bitrecall.training.data.tables.sql_query as module

    def missing(*_, **__):
        raise ModuleNotFoundError("no module", name="pymysql")

    monkeypatch.setattr(module, "create_engine", missing)
    with pytest.raises(DataError, match=r"driver mysql\+pymysql is missing: pip install pymysql"):
        SqlSource("mysql://me@host/shop", "select 1")


def test_does_not_create_a_missing_sqlite_file(tmp_path):
    with pytest.raises(DataError, match="no such database file"):
        read(f"sqlite:///{tmp_path}/none.db", QUERY)
    assert not (tmp_path / "none.db").exists()


def test_a_query_needs_a_database(tmp_path):
    (tmp_path / "a.csv").write_text("user_id,item_id\na,x\n")
    with pytest.raises(DataError, match="--query needs the URL"):
        read(tmp_path / "a.csv", QUERY)
    assert not is_database(tmp_path)


def test_reads_rows_in_batches(url, monkeypatch):
    import bitrecall.training.data.tables.sql_query as module

    monkeypatch.setattr(module, "_ROWS", 1000)
    series = (
        "select n as user_id, n % 7 as item_id from (with recursive r(n) as "
        "(select 1 union all select n + 1 from r where n < 4500) select n from r) as x"
    )
    with SqlSource(url, series) as source:
        sizes = [len(batch.frame) for batch in source.batches(["user_id", "item_id"])]
    assert sizes == [1000] * 4 + [500]
    with SqlSource(url, series) as source:
        rows = encode_rows(source, Vocabulary(), BadRows(), ReadOptions())
    assert len(rows.users) == 4500


@pytest.mark.parametrize(
    "query",
    [
        "drop table orders",
        "delete from orders",
        "insert into orders values ('c', 1, 1) returning *",
    ],
)
def test_a_query_cannot_change_the_database(orders, query):
    with pytest.raises(DataError, match="the query"):
        read(orders, query)
    assert len(read(orders, QUERY)) == 3
