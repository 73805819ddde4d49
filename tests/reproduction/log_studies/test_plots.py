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


def test_draws_the_gain_of_each_strength(row):
    def group(name, items):
        gains = {"0": 0.0, "0.5": 0.04}
        details = {"new": "half", "group": name, "items": items, "by_strength": gains}
        return row("recency/toys", variant=f"half/{name}", details=details)

    text = draw("recency", [group("all", [2, 50]), group("1", [2, 9])])
    assert text is not None
    assert all(label in text for label in (">all users<", ">2–9<", ">0.5<"))


def test_draws_a_line_per_size(row):
    def cell(size, users, multiple):
        details = {"size": size, "users": users, "multiple": multiple, "steps": 100 * multiple}
        return row(f"steps/gowalla/{size}/{multiple}", split="validation", details=details)

    sizes = (("1x", 29858), ("10x", 298580))
    rows = [cell(*size, multiple) for size in sizes for multiple in (1, 2)]
    text = draw("steps", rows)
    assert text is not None
    assert all(label in text for label in (">29,858 users<", ">298,580 users<", ">Gowalla"))
