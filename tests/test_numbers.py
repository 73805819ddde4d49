"""What the pages say of results is what results.json and the published figures have."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.pages import fill, has_places, plots_of, results_page
from bitrecall.reproduction.pages import without_places as by_hand
from bitrecall.reproduction.plan import load_plan
from bitrecall.reproduction.plots import draw
from bitrecall.reproduction.summary import summarise
from bitrecall.reproduction.write_pages import gather
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import load_recipe, parse_recipe

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "reproduction"
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if has_places(page.read_text("utf-8"))
]
# A share as people write it: .2689, with three digits or more, and not part of a longer number.
FIGURE = re.compile(r"(?<![\w.])0?\.(\d{3,5})(?![\w])")


@pytest.fixture(scope="module")
def findings() -> PageData:
    return gather(load_plan(), OUT)


def known(findings: PageData) -> Iterator[float]:
    for summary in summarise(findings.rows):
        for metric in summary.first["metrics"]:
            yield summary.mean(metric) or 0.0
            yield summary.deviation(metric) or 0.0
            yield from (row["metrics"][metric] for row in summary.rows if metric in row["metrics"])
    for figure in findings.published.figure:
        yield from figure.metrics.values()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_marked_places_are_up_to_date(findings, page):
    # Where this fails: make tables
    text = page.read_text("utf-8")
    assert text == fill(text, findings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_figures_in_prose_are_among_the_results_to_every_digit(findings, page):
    values = list(known(findings))
    for digits in FIGURE.findall(by_hand(page.read_text("utf-8"))):
        found = {f"{value:.{len(digits)}f}".partition(".")[2] for value in values}
        assert digits in found, f".{digits} is no result and nothing published"


def test_the_page_and_the_plots_of_all_results_are_up_to_date(findings):
    # Where this fails: make tables
    assert (OUT / "results.md").read_text("utf-8") == results_page(findings)
    assert sorted(path.stem for path in OUT.glob("*.svg")) == sorted(plots_of(findings))
    for name in plots_of(findings):
        assert (OUT / f"{name}.svg").read_text("utf-8") == draw(name, findings), name


def test_every_row_is_of_a_part_of_the_plan_and_of_its_recipe(findings):
    parts = {part.name: part for part in findings.plan.parts}
    for row in findings.rows:
        part = parts[row["part"]]
        assert row["seed"] in part.seeds, row["part"]
        assert (row["measure"], row["split"]) == (part.measure, part.split)
        assert recipe_of(row).trained() == part.recipe(row["seed"]).trained(), row["part"]


def recipe_of(row: dict[str, Any]) -> Recipe:
    """What a row was trained by; keys that recipes have gained since have their defaults."""
    return parse_recipe(row["recipe"], row["part"])


def test_a_row_from_before_a_key_was_there_is_of_its_default():
    made = load_recipe("gowalla", ["teacher.lightgcn.weight=0"])
    old = made.model_dump(mode="json", exclude={"teacher": {"lightgcn"}})
    plain = load_recipe("gowalla", ["teacher.lightgcn={}"])
    assert recipe_of({"part": "a", "recipe": old}) == plain != load_recipe("gowalla")


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("has .2689, up from 0.231.", ["2689", "231"]),
        ("version 1.2689 of a.2689b and .26", []),
        ("± .0003 (.12345)", ["0003", "12345"]),
    ],
)
def test_what_counts_as_a_figure(text, figures):
    assert FIGURE.findall(text) == figures
