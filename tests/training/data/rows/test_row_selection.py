"""Row filters and weights, from the options to the interactions."""

import numpy as np
import polars as pl
import pytest

from bitrecall.training.data.describe import describe
from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.read_options import PairWeight, ReadOptions, Split
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

EVENTS = """timestamp,visitorid,event,itemid,transactionid
1600049490000,1015,transaction,33,7
1600129867000,1030,addtocart,22,
1600203059000,1058,view,17,
1600274965000,1012,view,31,
1600306363000,1030,view,23,
1600306364000,1030,view,22,
1600306365000,1015,share,99,
"""
RATINGS = "user_id,item_id,rating\n1015,33,1\n1030,22,-1\n1058,17,1\n1012,31,-1\n1030,23,1\n"


@pytest.fixture(params=["csv", "parquet", "ndjson"])
def read(request, tmp_path):
    """Read a table as CSV, Parquet and JSON."""

    def read(content, **options):
        path = tmp_path / f"a.{request.param}"
        if request.param == "csv":
            path.write_text(content)
        else:
            frame = pl.read_csv(content.encode())
            frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_ndjson(path)
        return load_dataset(path, ReadOptions(split=Split.NONE, **options))

    return read


def weights_of(dataset):
    pairs = dataset.train
    weights = np.ones(len(pairs)) if pairs.weights is None else pairs.weights
    return {
        (pairs.user_ids[user], pairs.item_ids[item]): pytest.approx(float(weight))
        for user, item, weight in zip(pairs.users, pairs.items, weights, strict=True)
    }


def test_a_filter_leaves_out_rows_and_their_ids(read):
    dataset = read(EVENTS, where="event in (addtocart, transaction)")
    assert weights_of(dataset) == {("1015", "33"): 1, ("1030", "22"): 1}
    assert dataset.train.user_ids == ["1015", "1030"]
    assert dataset.train.weights is None
    assert dataset.report.rows_left_out == 5
    assert "5 rows left out" in describe(dataset).render()


def test_applies_a_minimum_rating_and_an_expression(read):
    dataset = read(RATINGS, min_rating=0.5, where="item_id != 17")
    assert set(weights_of(dataset)) == {("1015", "33"), ("1030", "23")}
    assert dataset.report.rows_left_out == 3


def test_reads_ratings_from_a_requested_column(read):
    table = RATINGS.replace("rating", "how_good")
    with pytest.raises(DataError, match="--rating-column"):
        read(table, min_rating=0)
    assert len(read(table, min_rating=0, rating_column="how_good").train) == 3


@pytest.mark.parametrize(
    ("pair_weight", "weight_of_22"), [(PairWeight.MAX, 0.5), (PairWeight.SUM, 0.7)]
)
def test_weights_rows_by_event(read, pair_weight, weight_of_22):
    dataset = read(
        EVENTS, weight="event:view=.2,addtocart=.5,transaction=1", pair_weight=pair_weight
    )
    assert weights_of(dataset) == {
        ("1015", "33"): 1,
        ("1030", "22"): weight_of_22,
        ("1058", "17"): 0.2,
        ("1012", "31"): 0.2,
        ("1030", "23"): 0.2,
    }
    text = describe(dataset).render()
    assert "'view': 4 rows, total weight 0.8" in text
    assert "'share': 1 rows, total weight 0, left out (not listed in --weight)" in text


def test_weights_rows_by_a_column_of_numbers_and_leaves_out_zeros(read):
    table = "user_id,item_id,quantity\na,x,2\na,y,0\nb,x,1.5\na,x,3\n"
    dataset = read(table, weight="quantity", pair_weight=PairWeight.SUM)
    assert weights_of(dataset) == {("a", "x"): 5, ("b", "x"): 1.5}


@pytest.mark.parametrize("value", ["-1", "", "1e12"])
def test_a_row_with_an_invalid_weight_is_bad(read, value):
    table = f"user_id,item_id,quantity\na,x,2\nb,y,{value}\nc,z,1\n"
    with pytest.raises(DataError, match="weight") as caught:
        read(table, weight="quantity")
    assert caught.value.line is not None
    dataset = read(table, weight="quantity", skip_bad_rows=True)
    assert weights_of(dataset) == {("a", "x"): 2, ("c", "z"): 1}
    assert dataset.report.bad_rows_skipped == 1


def test_counts_no_bad_rows_in_the_weights(read):
    table = "user_id,item_id,event\na,x,buy\n,y,buy\nb,y,view\nb,,other\n"
    report = read(table, weight="event:view=0.5,buy=1", skip_bad_rows=True).report
    assert (report.rows_read, report.bad_rows_skipped) == (2, 1)
    assert report.selection[0] == "weights by event: 2 rows, total weight 1.5"


def test_does_not_check_rows_that_are_left_out(read):
    table = "user_id,item_id,event,time\na,x,buy,1600049490\n,,view,\nb,y,buy,1600049491\n"
    assert len(read(table, where="event = buy").train) == 2
    assert len(read(table, weight="event:buy=1").train) == 2


def test_rejects_an_unknown_column_and_lists_the_columns(read):
    for options in ({"where": "kind = buy"}, {"weight": "kind:buy=1"}):
        with pytest.raises(DataError, match=r"no column 'kind'; the columns are .*visitorid"):
            read(EVENTS, **options)


def test_rejects_a_filter_that_keeps_no_row(read):
    with pytest.raises(DataError, match=r"no rows are left .*--where 'event = nothing': 7 rows"):
        read(EVENTS, where="event = nothing")
    with pytest.raises(DataError, match=r"no rows are left .*no row has 'purchase'"):
        read(EVENTS, weight="event:purchase=1")


def test_rejects_filters_for_formats_without_columns(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("0 1 2 3\n1 2 3\n2 5\n")
    for data in (path, "sample"):
        with pytest.raises(DataError, match=r"has no columns for --where 'event = buy'"):
            load_dataset(data, ReadOptions(where="event = buy"))


def test_filters_train_and_test_files_and_pools_them_with_weights(tmp_path):
    (tmp_path / "train.csv").write_text("user_id,item_id,event\na,x,view\nb,x,buy\na,z,junk\n")
    (tmp_path / "test.csv").write_text("user_id,item_id,event\na,x,buy\nb,y,view\nb,z,junk\n")
    weighting = {"weight": "event:view=0.5,buy=2"}
    dataset = load_dataset(tmp_path, ReadOptions(**weighting))
    assert (len(dataset.train), len(dataset.test)) == (2, 1)
    pooled = load_dataset(tmp_path, ReadOptions(split=Split.NONE, **weighting))
    assert weights_of(pooled) == {("a", "x"): 2, ("b", "x"): 2, ("b", "y"): 0.5}
    total = ReadOptions(split=Split.NONE, pair_weight=PairWeight.SUM, **weighting)
    assert weights_of(load_dataset(tmp_path, total))["a", "x"] == 2.5


def test_reports_values_that_a_filter_cannot_compare(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('user_id,item_id,rating\n1,2,5\n1,3,"4,5"\n2,2,five\n2,3,n/a\n3,2,1\n')
    for option in ({"min_rating": 4}, {"where": "rating >= 4"}):
        dataset = load_dataset(path, ReadOptions(split=Split.NONE, **option))
        assert len(dataset.train) == 2
        assert dataset.report.warnings == (
            "1 value of rating is not a number, such as 'five', and was not compared",
        )
    with pytest.raises(DataError, match="and was not compared"):
        load_dataset(path, ReadOptions(min_rating=6))


def test_rejects_weights_that_a_float32_cannot_represent(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("user_id,item_id,w\n1,2,1\n1,3,1e-300\n")
    with pytest.raises(DataError, match=r"line 3: the weight 1e-300 in column 'w' is below 1e-09"):
        load_dataset(path, ReadOptions(weight="w"))
    with pytest.raises(DataError, match="must be a number, 0 or from 1e-09 to 1e"):
        load_dataset(path, ReadOptions(weight="w:1=1e-10"))
