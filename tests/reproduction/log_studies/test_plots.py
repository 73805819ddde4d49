import pytest

from bitrecall.reproduction.log_studies.plots import PLOTS, draw


def test_draws_a_panel_per_data_set(row):
    rows = [
        row("codes/ml100k", variant="with recency"),
        row("sasrec/ml100k/test"),
        row("codes/toys", variant="with recency"),
    ]
    text = draw("order", rows)
    assert text is not None
    assert all(label in text for label in (">ml100k<", ">toys<", ">codes<", ">SASRec<", ">N@20<"))
    assert draw("order", rows) == text


@pytest.mark.parametrize("name", PLOTS)
def test_draws_nothing_without_data(name):
    assert draw(name, []) is None


def test_draws_what_each_scorer_adds(row):
    details = {"kind": "ease", "seconds": 1.0, "added": 0.12, "used": True}
    text = draw("scorers", [row("teacher/toys", variant="ease", details=details)])
    assert text is not None
    assert ">ease<" in text
