from pathlib import Path

import pytest

from bitrecall.errors import BitrecallError
from bitrecall.training import errors
from bitrecall.training.errors import DataError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "is empty"),
        ({"file": Path("a.csv")}, "a.csv: is empty"),
        ({"file": "a.csv", "line": 7}, "a.csv, line 7: is empty"),
        ({"file": "a.pq", "line": 7, "unit": "row"}, "a.pq, row 7: is empty"),
    ],
)
def test_the_message_of_a_data_error_has_place_and_reason(arguments, message):
    assert str(DataError("is empty", **arguments)) == message


def test_a_data_error_keeps_file_line_and_reason():
    error = DataError("is empty", file=Path("a.csv"), line=7)
    assert (error.file, error.line, error.reason) == ("a.csv", 7, "is empty")
    assert isinstance(error, BitrecallError)


def test_all_is_sorted_and_complete():
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert errors.__all__ == sorted(defined)


def test_every_error_is_in_the_tree_of_the_docstring():
    for name in errors.__all__:
        assert f"─ {name} " in errors.__doc__
