import pytest

from bitrecall.suggestions import did_you_mean


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("gowala", "gowalla"),
        ("GOWALLA", "gowalla"),
        ("fit.epoch", "fit.epochs"),
        ("Prise", "price"),
    ],
)
def test_a_name_like_a_known_one_is_suggested(name: str, meant: str) -> None:
    known = ["gowalla", "fit.epochs", "price"]
    assert did_you_mean(name, known) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize("name", ["", "x", "something else", "x" * 100_000])
def test_others_are_not(name: str) -> None:
    assert did_you_mean(name, ["gowalla", "price"]) == ""
