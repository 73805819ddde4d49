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
        ({"delimiter": ""}, "--delimiter cannot be ''"),
        ({"delimiter": '"'}, "--delimiter cannot be"),
        ({"delimiter": ":\n"}, "--delimiter cannot be"),
        ({"encoding": "latin1000"}, "--encoding 'latin1000' is unknown; common ones are utf-8"),
        ({"encoding": "base64"}, "--encoding 'base64' is unknown"),
        ({"time_format": "dd/mm/yyyy"}, "--time-format is a form such as '%d/%m/%Y"),
        ({"time_column": "t", "use_times": False}, "cannot be both ignored and read from 't'"),
        ({"columns": ()}, "name at least the columns of user and item"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        ReadOptions(**options)


def test_the_defaults_are_fine():
    assert ReadOptions() == ReadOptions(test_fraction=0.2, seed=0)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_lowest_rating_is_a_finite_number(number):
    with pytest.raises(DataError, match="--min-rating must be a finite number"):
        ReadOptions(min_rating=number)


def test_a_column_of_ratings_that_nothing_reads_is_refused():
    with pytest.raises(DataError, match="--rating-column is read for --min-rating only"):
        ReadOptions(rating_column="stars")
