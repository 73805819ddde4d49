"""Tests of the page of all recipe searches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.training import recipe_search_page

DOCS = Path(__file__).parents[3] / "docs"
COLUMNS = ("recall@20", "recall@50", "recall@100", "ndcg@20", "ndcg@50", "ndcg@100")


def run(variant: str, recall: float, epochs: int = 4) -> dict[str, Any]:
    return {
        "data": "gowalla",
        "recipe": "hashrec-gowalla",
        "variant": variant,
        "best_epoch": min(epochs, 3),
        "epochs_run": epochs,
        "seconds": 30.0,
        "seconds_run": 10.4 * epochs,
        "metrics": {**dict.fromkeys(COLUMNS, 0.1), "recall@50": recall},
    }


def search_file(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


def test_the_page_is_up_to_date() -> None:
    # If this fails: make tables
    assert (DOCS / "searches.md").read_text("utf-8") == recipe_search_page.page(DOCS / "searches")


def test_shows_a_row_per_run_with_the_best_in_bold(tmp_path: Path) -> None:
    file = search_file(
        tmp_path / "a.jsonl", run("x.a=1 x.b=2", 0.21234), run("x.a=1 x.b=3", 0.31234)
    )
    assert recipe_search_page.section(file) == (
        "## hashrec-gowalla\n\n"
        "Gowalla, 2 runs, 83 s. All have `x.a=1`.\n\n"
        "| `x.b` | best epoch | s | R@20 | R@50 | R@100 | N@20 | N@50 | N@100 |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| 2 | 3 of 4 | 42 | .1000 | .2123 | .1000 | .1000 | .1000 | .1000 |\n"
        "| **3** | **3 of 4** | **42** | **.1000** | **.3123** | **.1000** | **.1000** | **.1000** "
        "| **.1000** |"
    )


def test_a_diverged_run_has_no_figures(tmp_path: Path) -> None:
    file = search_file(tmp_path / "a.jsonl", run("x.a=1", 0.2), run("x.a=2", 0.0, epochs=0))
    assert (
        recipe_search_page.section(file).splitlines()[-1]
        == "| 2 | diverged | 0 |  |  |  |  |  |  |"
    )


def test_the_summary_has_the_first_and_the_best_result(tmp_path: Path) -> None:
    rows = [run("x.a=1", 0.21234), run("x.a=2", 0.31234), run("x.a=3", 0.1)]
    files = [search_file(tmp_path / "a.jsonl", *rows)]
    assert recipe_search_page.summary(files) == (
        "| recipe | first | best | runs | s |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| [hashrec-gowalla](#hashrec-gowalla) | .2123 | .3123 | 3 | 125 |"
    )


def test_includes_every_search_of_a_folder(tmp_path: Path) -> None:
    for name in ("b", "a"):
        search_file(tmp_path / f"{name}.jsonl", {**run("x.a=1", 0.2), "recipe": name})
    titles = [
        line for line in recipe_search_page.page(tmp_path).splitlines() if line.startswith("## ")
    ]
    assert titles == ["## a", "## b"]
