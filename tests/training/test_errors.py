from pathlib import Path

import pytest

from index.errors import BitrecallError
from training.errors import DataError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "is empty"),
        ({"file": Path("a.csv")}, "a.csv: is empty"),
        ({"file": "a.csv", "line": 7}, "a.csv, line 7: is empty"),
        ({"file": "a.pq", "line": 7, "unit": "row"}, "a.pq, row 7: is empty"),
    ],
)
def test_a_data_error_says_where_and_why(arguments, message):
    assert str(DataError("is empty", **arguments)) == message


def test_a_data_error_keeps_file_line_and_reason():
    error = DataError("is empty", file=Path("a.csv"), line=7)
    assert (error.file, error.line, error.reason) == ("a.csv", 7, "is empty")
    assert isinstance(error, BitrecallError)
