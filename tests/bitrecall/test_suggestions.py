import pytest

from bitrecall.suggestions import did_you_mean


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("gowala", "gowalla"),
        ("GOWALLA", "gowalla"),
        ("fit.epoch", "fit.epochs"),
        ("Prise", "price"),
    ],
)
def test_suggests_a_similar_name(name: str, suggestion: str) -> None:
    known = ["gowalla", "fit.epochs", "price"]
    assert did_you_mean(name, known) == f"; did you mean {suggestion!r}?"


@pytest.mark.parametrize("name", ["", "x", "something else", "x" * 100_000])
def test_suggests_nothing_for_other_names(name: str) -> None:
    assert did_you_mean(name, ["gowalla", "price"]) == ""
