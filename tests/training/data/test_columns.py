from pathlib import Path

import pytest

from training.data.columns import Columns, find_columns
from training.data.options import ReadOptions
from training.errors import DataError

FILE = Path("a.csv")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["user_id", "item_id"], Columns(0, 1, None, 2)),
        (["item", "user", "time"], Columns(1, 0, 2, 3)),
        (["userId", "movieId", "rating", "timestamp"], Columns(0, 1, 3, 4)),
        ([" User ID ", "Product-ID", "Date"], Columns(0, 1, 2, 3)),
        (["customer", "book", "created_at"], Columns(0, 1, 2, 3)),
        (["user", "user_id", "item", "item_id"], Columns(1, 3, None, 4)),
        (["date", "user", "item", "timestamp"], Columns(1, 2, 3, 4)),
    ],
)
def test_common_names_are_found(names, expected):
    assert find_columns(names, ReadOptions(), FILE) == expected


def test_names_given_in_the_options_win():
    options = ReadOptions(user_column="who", item_column="item", time_column="when")
    names = ["user", "who", "item", "item_id", "when", "time"]
    assert find_columns(names, options, FILE) == Columns(1, 2, 4, 6)


def test_times_can_be_left_out():
    names = ["user", "item", "time"]
    assert find_columns(names, ReadOptions(use_times=False), FILE).time is None


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["item", "stars"], {}, r"for the user; the columns are item, stars\. Say .* user_column"),
        (["user", "stars"], {}, r"for the item; the columns are user, stars\. Say .* item_column"),
        (["user", "item"], {"user_column": "User"}, r"no column 'User' .* are user, item$"),
        (["user", "item"], {"time_column": "when"}, r"no column 'when' for the time"),
        (["user_id", "User ID", "item"], {}, "2 columns for the user"),
        (["user", "item", "item"], {}, "2 columns for the item"),
        (["user", "item"], {"item_column": "user"}, "one column cannot be two of user"),
        (["user", "item"], {"time_column": "item"}, "one column cannot be two of user"),
    ],
)
def test_a_column_that_is_missing_or_unclear_is_an_error_that_lists_them(names, options, message):
    with pytest.raises(DataError, match=message):
        find_columns(names, ReadOptions(**options), FILE)
