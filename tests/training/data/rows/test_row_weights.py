import polars as pl
import pytest

from bitrecall.training.data.rows.row_weights import Weighting, WeightTally
from bitrecall.training.errors import DataError

EVENTS = pl.DataFrame({"event": ["view", " buy", "cart", None, "share", "view"]})


def test_weights_listed_values_and_sets_others_to_zero():
    weighting = Weighting.parse("event:view=0.2, cart=.5,buy=1")
    assert weighting.columns == ("event",)
    assert weighting.weights(EVENTS).to_list() == [0.2, 1, 0.5, 0, 0, 0.2]


def test_a_star_sets_the_weight_of_other_values():
    assert Weighting.parse("event:buy=2,*=0.1").weights(EVENTS).to_list() == [
        *(0.1, 2, 0.1, 0.1, 0.1, 0.1)
    ]


@pytest.mark.parametrize("values", [[1, 4, 2], [1.0, 4.0, 2.0], ["1", "4", "2"]])
def test_matches_integer_values_in_columns_of_any_type(values):
    weights = Weighting.parse("action:1=0.5,4=3").weights(pl.DataFrame({"action": values}))
    assert weights.to_list() == [0.5, 3, 0]


def test_quoted_values_may_contain_separators():
    frame = pl.DataFrame({"event": ["a, b", "c=d", "it's"]})
    weights = Weighting.parse("event:'a, b'=1,\"c=d\"=2,'it''s'=3").weights(frame)
    assert weights.to_list() == [1, 2, 3]


@pytest.mark.parametrize("values", [[2, 0, -1], [2.0, 0.0, -1.0], ["2", "0.0", " -1 "]])
def test_reads_weights_from_a_column_of_numbers(values):
    weighting = Weighting.parse("quantity")
    weights = weighting.weights(pl.DataFrame({"quantity": values}))
    assert weights.to_list() == [2, 0, -1]
    assert "negative" in weighting.fault(-1, "-1")


def test_cells_that_are_not_finite_numbers_have_no_weight():
    weighting = Weighting.parse("quantity")
    weights = weighting.weights(pl.DataFrame({"quantity": ["many", "", None, "NaN", "inf"]}))
    assert weights.to_list() == [None] * 5
    assert "'1,5x' in column" in weighting.fault(None, "1,5x")
    assert "missing" in weighting.fault(None, " ")
    assert "below" in weighting.fault(1e-300, "1e-300")
    assert "above" in weighting.fault(1e30, "1e30")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected COLUMN"),
        (":view=1", "expected COLUMN"),
        ("view=1", "expected COLUMN"),
        ("event:view", "expected VALUE=WEIGHT at 'view'"),
        ("event:view=", "must be a number"),
        ("event:view=much", "must be a number"),
        ("event:view=-1", "must be a number"),
        ("event:view=nan", "must be a number"),
        ("event:view=1e30", "must be a number"),
        ("event:view=1,view=2", "listed twice"),
        ("event:view=0", "no value has a weight above 0"),
        ("event:", "no value has a weight above 0"),
        ("event:view=1,=2", "expected VALUE=WEIGHT"),
    ],
)
def test_rejects_an_invalid_weighting(text, problem):
    with pytest.raises(DataError, match="invalid --weight") as caught:
        Weighting.parse(text)
    assert problem in str(caught.value)


def test_the_tally_reports_values_left_out_and_listed_values_without_rows():
    weighting = Weighting.parse("event:view=0.2,buy=1,purchase=5")
    tally = WeightTally()
    tally.add(weighting, EVENTS, weighting.weights(EVENTS).to_numpy())
    lines = "\n".join(tally.lines(weighting))
    assert "3 rows, total weight 1.4" in lines
    assert "'view': 2 rows, total weight 0.4" in lines
    assert "'share': 1 rows, total weight 0, left out (not listed in --weight)" in lines
    assert "missing: 1 rows, total weight 0, left out" in lines
    assert "no row has 'purchase'" in lines
    assert tally.zero_rows == 3
