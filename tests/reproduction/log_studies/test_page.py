import json
from pathlib import Path

import pytest

from bitrecall.reproduction.log_studies.page import TABLES, fill, publish
from bitrecall.reproduction.log_studies.plots import PLOTS, draw
from bitrecall.reproduction.results import read_results
from bitrecall.training.errors import StudyError

OUT = Path(__file__).parents[3] / "docs" / "reproduction" / "log-studies"
PAGE = "# Order\n\n<!-- log studies: order -->\nold\n<!-- end -->\n\nProse.\n"


@pytest.fixture
def rows(row):
    return [row("codes/ml100k", variant="with recency", details={"bits": 256})]


def test_fills_places_and_keeps_other_text(rows):
    filled = fill(PAGE, rows, ["order"])
    assert "old" not in filled
    assert "| ml100k | codes | 32 | .2000 | .4000 | .1000 | 90 |  |" in filled
    assert "![order](order.svg)" in filled
    assert filled.endswith("<!-- end -->\n\nProse.\n")
    assert fill(filled, rows, ["order"]) == filled


def test_a_place_without_results_has_no_table():
    assert "\nNo results yet.\n" in fill(PAGE, [])


def test_rejects_an_unknown_place():
    with pytest.raises(StudyError, match="unknown place 'ordre'"):
        fill(PAGE.replace(": order", ": ordre"), [])


def test_writes_a_page_with_all_places_and_the_plots_that_have_data(rows, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(rows))
    assert {path.name for path in publish(tmp_path)} == {"README.md", "order.svg"}
    text = (tmp_path / "README.md").read_text()
    assert all(f"<!-- log studies: {name} -->" in text for name in TABLES)
    assert publish(tmp_path) == []


@pytest.mark.slow
def test_the_page_of_the_repository_is_up_to_date():
    # If this fails: make tables
    rows = read_results(OUT)
    plots = {name: svg for name in PLOTS if (svg := draw(name, rows)) is not None}
    text = (OUT / "README.md").read_text("utf-8")
    assert text == fill(text, rows, list(plots))
    assert {path.stem for path in OUT.glob("*.svg")} == set(plots)
    assert all((OUT / f"{name}.svg").read_text("utf-8") == svg for name, svg in plots.items())


@pytest.mark.parametrize("name", TABLES)
def test_the_page_of_the_repository_has_every_table(name):
    assert f"<!-- log studies: {name} -->" in (OUT / "README.md").read_text("utf-8")
