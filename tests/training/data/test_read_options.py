import pytest

from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.errors import DataError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_fraction": 0.0}, "between 0 and 1, not 0.0"),
        ({"test_fraction": 1.0}, "between 0 and 1, not 1.0"),
        ({"test_fraction": float("nan")}, "between 0 and 1, not nan"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"delimiter": ""}, "invalid --delimiter ''"),
        ({"delimiter": '"'}, "invalid --delimiter"),
        ({"delimiter": ":\n"}, "invalid --delimiter"),
        ({"encoding": "latin1000"}, "unknown --encoding 'latin1000'; common encodings are utf-8"),
        ({"encoding": "base64"}, "unknown --encoding 'base64'"),
        ({"time_format": "dd/mm/yyyy"}, "invalid --time-format 'dd/mm/yyyy'.*'%d/%m/%Y"),
        (
            {"time_column": "t", "use_times": False},
            "'t' has no effect if times are ignored",
        ),
        (
            {"time_column": "t", "lines_in_order": True},
            "--time-column 't' orders interactions by time, and --lines-in-order by their lines",
        ),
        ({"columns": ()}, "name at least a user column and an item column"),
    ],
)
def test_rejects_invalid_options(options, message):
    with pytest.raises(DataError, match=message):
        ReadOptions(**options)


def test_defaults_are_valid():
    assert ReadOptions() == ReadOptions(test_fraction=0.2, seed=0)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_rejects_a_minimum_rating_that_is_not_finite(number):
    with pytest.raises(DataError, match="--min-rating must be a finite number"):
        ReadOptions(min_rating=number)


def test_rejects_a_rating_column_without_a_minimum_rating():
    with pytest.raises(DataError, match="--rating-column needs --min-rating"):
        ReadOptions(rating_column="stars")
