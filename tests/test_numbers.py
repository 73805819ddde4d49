"""The figures in pages are those of results.json and of the published results."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.pages import fill, has_places, plots_of, results_page, without_places
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
# A share as in prose: .2689, with three to five digits, and not part of a longer number.
FIGURE = re.compile(r"(?<![\w.])0?\.(\d{3,5})(?![\w])")


@pytest.fixture(scope="module")
def findings() -> PageData:
    return gather(load_plan(), OUT)


def values_of(findings: PageData) -> Iterator[float]:
    for summary in summarise(findings.rows):
        for metric in summary.first["metrics"]:
            yield summary.mean(metric) or 0.0
            yield summary.deviation(metric) or 0.0
            yield from (row["metrics"][metric] for row in summary.rows if metric in row["metrics"])
    for figure in findings.published.figure:
        yield from figure.metrics.values()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_parts_of_pages_are_up_to_date(findings, page):
    # If this fails: make tables
    text = page.read_text("utf-8")
    assert text == fill(text, findings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_figures_in_prose_are_among_the_results(findings, page):
    values = list(values_of(findings))
    for digits in FIGURE.findall(without_places(page.read_text("utf-8"))):
        results = {f"{value:.{len(digits)}f}".partition(".")[2] for value in values}
        assert digits in results, f".{digits} is neither a result nor a published figure"


def test_the_results_page_and_its_plots_are_up_to_date(findings):
    # If this fails: make tables
    assert (OUT / "results.md").read_text("utf-8") == results_page(findings)
    assert sorted(path.stem for path in OUT.glob("*.svg")) == sorted(plots_of(findings))
    for name in plots_of(findings):
        assert (OUT / f"{name}.svg").read_text("utf-8") == draw(name, findings), name


def test_every_row_belongs_to_the_plan_and_has_its_recipe(findings):
    parts = {part.name: part for part in findings.plan.parts}
    for row in findings.rows:
        part = parts[row["part"]]
        assert row["seed"] in part.seeds, row["part"]
        assert (row["measure"], row["split"]) == (part.measure, part.split)
        assert recipe_of(row).trained() == part.recipe(row["seed"]).trained(), row["part"]


def recipe_of(row: dict[str, Any]) -> Recipe:
    """Return the recipe of a row; keys that were added later have their defaults."""
    return parse_recipe(row["recipe"], row["part"])


def test_an_old_row_without_a_key_has_its_default():
    changed = load_recipe("gowalla", ["teacher.lightgcn.weight=0"])
    old = changed.model_dump(mode="json", exclude={"teacher": {"lightgcn"}})
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
def test_recognises_figures(text, figures):
    assert FIGURE.findall(text) == figures
