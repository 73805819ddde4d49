import math

import pytest

from bitrecall.training.data.columns.numbers import parse_finite_number, parse_number


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), (" -1.5 ", -1.5), ("2e3", 2000), ("1_000", None), ("١٢", None)]
)
def test_parses_ascii_numbers_without_underscores(text, number):
    assert parse_number(text) == number
    assert parse_finite_number(text) == number


@pytest.mark.parametrize("text", ["nan", "inf", "-1e999"])
def test_only_parse_number_accepts_numbers_that_are_not_finite(text):
    number = parse_number(text)
    assert number is not None
    assert not math.isfinite(number)
    assert parse_finite_number(text) is None
