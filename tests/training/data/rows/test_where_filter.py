from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.columns.comparison import as_numbers
from bitrecall.training.data.rows.where_filter import RowFilter
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

FRAME = pl.DataFrame(
    {
        "event": ["view", "buy", "cart", None, " buy ", "add to cart"],
        "rating": ["4", "4.5", "10", "", "n/a", "-1"],
        "stars": [1, 2, 3, 4, 5, None],
        "price": [0.5, 1.0, float("nan"), None, 7.0, 8.0],
        "big": [2**53, 2**53 + 1, 0, 1, 2, 3],
        "at": [datetime(2020, 1, day, tzinfo=UTC) for day in range(1, 7)],
        "sure": [True, False, None, True, False, True],
        "line item": ["a", "b", "c", "d", "e", "it's"],
    }
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("event = buy", [1, 4]),
        ("event == 'buy'", [1, 4]),
        ("event in (buy, cart)", [1, 2, 4]),
        ("event not in (buy, cart)", [0, 5]),
        ("event != buy", [0, 2, 5]),
        ("event <> buy", [0, 2, 5]),
        ("not event = buy", [0, 2, 5]),
        ("not not event = buy", [1, 4]),
        ("event is null", [3]),
        ("event = ''", [3]),
        ("event is not null", [0, 1, 2, 4, 5]),
        ("event = 'add to cart'", [5]),
        ("EVENT_ID = 1", None),
        ("rating >= 4", [0, 1, 2]),
        ("rating = 4", [0]),
        ("rating = 4.0", [0]),
        ("rating = '4.0'", []),
        ("rating = n/a", [4]),
        ("rating < 0", [5]),
        ("rating is null", [3]),
        ("rating in (-1, 10)", [2, 5]),
        ("stars > 3", [3, 4]),
        ("stars > '3'", [3, 4]),
        ("stars = many", []),
        ("stars != many", [0, 1, 2, 3, 4]),
        ("stars is null", [5]),
        ("price >= 1", [1, 4, 5]),
        ("price is null", [2, 3]),
        ("big = 9007199254740993", [1]),
        ("at >= 2020-01-05", [4, 5]),
        ("at < '2020-01-02T00:00:00+01:00'", [0]),
        ("sure = true", [0, 3, 5]),
        ("sure != TRUE", [1, 4]),
        ("`line item` = 'it''s'", [5]),
        ('"line item" in ("a", b)', [0, 1]),
        ("event = buy or stars = 3 and rating = 10", [1, 2, 4]),
        ("(event = buy or stars = 3) and rating = 10", [2]),
        ("event=buy AND stars>=5", [4]),
        ("not (event = buy or stars > 2)", [0]),
    ],
)
def test_keeps_matching_rows(text, kept):
    if kept is None:
        assert RowFilter.parse(text).columns == ("EVENT_ID",)
        return
    assert RowFilter.parse(text).keep(FRAME).arg_true().to_list() == kept


@pytest.mark.parametrize(
    ("text", "problem", "character"),
    [
        ("", "expected a column", 1),
        ("event", "expected =, !=", 6),
        ("event =", "expected a value after '='", 8),
        ("event = add to cart", "expected 'and', 'or' or the end", 13),
        ("event in buy", "expected '('", 10),
        ("event in (buy", "expected ')'", 14),
        ("event in ()", "expected a value", 11),
        ("event in (buy,)", "expected a value after the comma", 15),
        ("(event = buy", "expected ')'", 13),
        ("event = buy)", "expected 'and', 'or' or the end", 12),
        ("event = buy and", "expected a column", 16),
        ("and = 3", "expected a column; put a keyword in quotes", 1),
        ("event is 3", "expected 'null'", 10),
        ("event not = 3", "expected 'in'", 11),
        ("= 3", "expected a column", 1),
    ],
)
def test_an_error_names_what_is_expected_and_its_position(text, problem, character):
    with pytest.raises(DataError, match=rf"at character {character} ") as caught:
        RowFilter.parse(text)
    assert problem in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["stars > many", "at > soon", "sure > true", "sure = maybe"])
def test_rejects_values_that_do_not_fit_the_column_type(text):
    with pytest.raises(DataError, match="has type"):
        RowFilter.parse(text).keep(FRAME)


def test_lists_distinct_columns_in_order():
    assert RowFilter.parse("b = 1 and (a = 2 or b in (3))").columns == ("b", "a")


def test_rejects_deep_nesting():
    with pytest.raises(DataError, match="nested too deep"):
        RowFilter.parse("(" * 100_000 + "a = 1" + ")" * 100_000)


def test_keeps_numbers_of_at_least_a_minimum():
    assert RowFilter.at_least("rating", 4).keep(FRAME).arg_true().to_list() == [0, 1, 2]


@given(st.text(alphabet="ab ()'\"`=<>!,not inrulsd0123.", max_size=40))
def test_any_text_is_a_filter_or_raises_a_data_error(text):
    try:
        parsed = RowFilter.parse(text)
    except DataError:
        return
    frame = pl.DataFrame({name: ["a", None, "1"] for name in parsed.columns})
    kept = parsed.keep(frame)
    assert kept.dtype == pl.Boolean
    assert not kept.null_count()


LEAVES = st.tuples(
    st.sampled_from(["x", "y"]), st.sampled_from(["=", "!=", "<", ">="]), st.integers(-2, 2)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner)
    ),
    max_leaves=8,
)


def expression_of(tree):
    if tree[0] == "not":
        return f"not ({expression_of(tree[1])})"
    if tree[0] in ("and", "or"):
        return f"({expression_of(tree[1])}) {tree[0]} ({expression_of(tree[2])})"
    return " ".join(map(str, tree))


def evaluate(tree, row):
    """Evaluate a tree for one row by three-valued logic."""
    if tree[0] == "not":
        inner = evaluate(tree[1], row)
        return None if inner is None else not inner
    if tree[0] in ("and", "or"):
        both = [evaluate(part, row) for part in tree[1:]]
        decisive = tree[0] == "or"
        if decisive in both:
            return decisive
        return None if None in both else not decisive
    value = row[tree[0]]
    if value is None:
        return None
    return {
        "=": value == tree[2],
        "!=": value != tree[2],
        "<": value < tree[2],
        ">=": value >= tree[2],
    }[tree[1]]


@given(
    TREES,
    st.lists(st.fixed_dictionaries({n: st.none() | st.integers(-3, 3) for n in "xy"}), min_size=1),
    st.booleans(),
)
def test_agrees_with_three_valued_logic_row_by_row(tree, rows, in_text):
    kind = pl.String if in_text else pl.Int64
    frame = pl.DataFrame(rows, schema={"x": pl.Int64, "y": pl.Int64}).cast(kind)
    kept = RowFilter.parse(expression_of(tree)).keep(frame).to_list()
    assert kept == [evaluate(tree, row) is True for row in rows]


@pytest.mark.parametrize("cells", [["1600049490", "1600129867"], ["4", None, " 5 "]])
@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
def test_rejects_ordering_numbers_in_text_by_other_text(cells, sign):
    frame = pl.DataFrame({"time": cells})
    with pytest.raises(DataError, match="compare it with a number"):
        RowFilter.parse(f"time {sign} 2020-09-14").keep(frame)
    assert RowFilter.parse("time != 2020-09-14").keep(frame).sum() == len(frame.drop_nulls())


def test_orders_text_by_text():
    frame = pl.DataFrame({"day": ["2020-09-13", "2020-09-14", None]})
    assert RowFilter.parse("day >= 2020-09-14").keep(frame).to_list() == [False, True, False]


@pytest.mark.parametrize(
    ("cell", "number"),
    [("4,5", 4.5), ("-0,25", -0.25), ("1,2345", 1.2345), ("1,234", None), ("1,2,3", None)],
)
def test_reads_a_decimal_comma_unless_it_may_separate_thousands(cell, number):
    frame = pl.DataFrame({"rating": [cell, "1"]})
    assert as_numbers(frame["rating"])[0] == number
    if number is not None:
        assert RowFilter.parse(f"rating = {number}").keep(frame).to_list() == [True, False]


@pytest.mark.parametrize(
    "text", ["event = \u2018buy\u2019", "event in (\u201cbuy\u201d)", "event != \u00abbuy\u00bb"]
)
def test_rejects_curly_quotes(text):
    with pytest.raises(DataError, match="expected straight quotes"):
        RowFilter.parse(text)


def test_accepts_an_apostrophe_inside_a_word():
    frame = pl.DataFrame({"name": ["O\u2019Brien"]})
    assert RowFilter.parse("name = O\u2019Brien").keep(frame).to_list() == [True]
