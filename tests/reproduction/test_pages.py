import pytest

from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.headline_tables import headline_table
from bitrecall.reproduction.pages import (
    fill,
    has_places,
    plots_of,
    results_page,
    without_places,
)
from bitrecall.reproduction.published_results import load_published
from bitrecall.reproduction.tables import bits_table
from bitrecall.training.errors import StudyError


@pytest.fixture
def findings(plan, row):
    rows = [
        row("gowalla/bitrecall/16", recall=0.1),
        row("gowalla/bitrecall/256", recall=0.27),
        row("gowalla/study/sign/aage", recall=0.2),
        row("gowalla/study/sign/steeper", recall=0.1),
    ]
    return PageData(plan, rows, load_published())


def test_fills_marked_places_and_leaves_other_text_unchanged(findings):
    page = (
        "# A page\n\n<!-- results: headline -->\nold\nnumbers\n<!-- end -->\n\nSome prose.\n\n"
        "<!-- results: bits gowalla -->\n<!-- end -->\n"
    )
    filled = fill(page, findings)
    headline = headline_table(findings.rows, findings.published)
    assert filled == (
        f"# A page\n\n<!-- results: headline -->\n\n{headline}\n\n<!-- end -->\n\nSome prose.\n\n"
        f"<!-- results: bits gowalla -->\n\n{bits_table(findings.rows, 'gowalla')}\n\n"
        "<!-- end -->\n"
    )
    assert fill(filled, findings) == filled
    assert without_places(filled) == without_places(page)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("table gowalla", "| **Bitrecall** | 256 |"),
        ("fewest bits", "the paper's row, recall alone | 256 |"),
        ("study gowalla/study/sign", "| AAGE |"),
        ("log gowalla/bitrecall/256 0", "epoch   2  loss -0.50000"),
        ("log gowalla/bitrecall/256 7", "(no run of gowalla/bitrecall/256 with seed 7 yet)"),
        ("runs", "`gowalla/study/sign/aage`"),
        ("sources", "AAAI 2024"),
    ],
)
def test_renders_every_kind_of_place(findings, name, expected):
    assert expected in fill(f"<!-- results: {name} -->\n<!-- end -->", findings)


@pytest.mark.parametrize("name", ["headlines", "study gowalla/study/none", "table", "", "runs of"])
def test_rejects_an_unknown_place(findings, name):
    with pytest.raises(StudyError, match="unknown place"):
        fill(f"<!-- results: {name} -->\n<!-- end -->", findings)


def test_detects_marked_places():
    assert not has_places("# A page\n\n<!-- a remark -->\n")
    assert has_places("<!-- results: runs -->\n<!-- end -->")


def test_the_results_page_has_every_table_with_its_note(findings):
    page = results_page(findings)
    assert "## Gowalla: every row of the paper's table" in page
    assert "### The sign\n\nGowalla, scored on the validation split. Sixteen bits.\n" in page
    assert "Yelp2018:" not in page  # no run of it
    assert "### Ties" not in page
    for plot in ("bits", "time", "curves"):
        assert f"({plot}.svg)" in page
    assert "(worth.svg)" not in page  # the plan has no such study
    assert plots_of(findings) == ["bits", "time", "curves"]
    assert page.endswith("|\n")
