from pathlib import Path

import pytest

from bitrecall.training.data.columns.column_names import Columns, find_columns
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.errors import DataError

FILE = Path("a.csv")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["user_id", "item_id"], Columns("user_id", "item_id", None)),
        (["item", "user", "time"], Columns("user", "item", "time")),
        (["userId", "movieId", "rating", "timestamp"], Columns("userId", "movieId", "timestamp")),
        ([" User ID ", "Product-ID", "Date"], Columns("User ID", "Product-ID", "Date")),
        (["customer", "book", "created_at"], Columns("customer", "book", "created_at")),
        (["user", "user_id", "item", "item_id"], Columns("user_id", "item_id", None)),
        (["date", "user", "item", "timestamp"], Columns("user", "item", "timestamp")),
    ],
)
def test_finds_columns_with_common_names(names, expected):
    assert find_columns(names, ReadOptions(), FILE) == expected


def test_names_in_the_options_take_precedence():
    options = ReadOptions(user_column="who", item_column="item", time_column="when")
    names = ["user", "who", "item", "item_id", "when", "time"]
    assert find_columns(names, options, FILE) == Columns("who", "item", "when")


def test_ignores_the_time_column_on_request():
    names = ["user", "item", "time"]
    assert find_columns(names, ReadOptions(use_times=False), FILE).time is None


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (
            ["item", "stars"],
            {},
            r"no user column .* are item, stars\. Name it with --user-column NAME",
        ),
        (
            ["user", "stars"],
            {},
            r"no item column .* are user, stars\. Name it with --item-column NAME",
        ),
        (
            ["user", "item"],
            {"user_column": "User"},
            r"'User' \(--user-column\); .* are user, item; did you mean",
        ),
        (["user", "item"], {"time_column": "when"}, r"no column 'when' \(--time-column\)"),
        (["user_id", "User ID", "item"], {}, "2 columns for the user"),
        (["user", "item", "item"], {}, "2 columns called 'item'"),
        (["user", "item"], {"item_column": "user"}, "must be different columns"),
        (["user", "item"], {"time_column": "item"}, "must be different columns"),
    ],
)
def test_rejects_missing_and_ambiguous_columns_and_lists_the_columns(names, options, message):
    with pytest.raises(DataError, match=message):
        find_columns(names, ReadOptions(**options), FILE)
