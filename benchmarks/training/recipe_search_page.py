"""The page of all searches, made from what benchmarks/training/recipe_search.py wrote.

    python -m benchmarks.training.recipe_search_page docs/searches > docs/searches.md

Every file NAME.jsonl of the folder is a search, every line of it a run; the page has a table for
each search, its runs in the order in which they were made and the best one in bold.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.training.tuning import COLUMNS
from bitrecall.reproduction.summary import dataset_label
from bitrecall.reproduction.tables import markdown, metric_title, number

Row = dict[str, Any]

_HEAD = """\
# The searches of the rivals' values

Made by `python -m benchmarks.training.recipe_search_page docs/searches > docs/searches.md` from the
files of that folder, which `benchmarks/training/recipe_search.py` wrote; a test compares the two.
[tuning.md](tuning.md) says how large the budgets were and what was held out. A row is a run, in the
order in which they were made; its figures are those of its best epoch by Recall@50, on pairs held
out of train, and `s` is its seconds of training steps in all. The best run of a search is in bold.
A run that diverged has no figures.

Recall@50 of the first run of each search, which has the values it started from, and of its best:"""


def page(folder: Path) -> str:
    """The page, of all searches of a folder."""
    files = sorted(folder.glob("*.jsonl"))
    return "\n\n".join([_HEAD, summary(files), *map(section, files)]) + "\n"


def summary(files: Sequence[Path]) -> str:
    """A table with a line for each search: where it began, what it found, what it took."""
    lines = []
    for file in files:
        rows = _rows(file)
        recalls = [float(row["metrics"]["recall@50"]) for row in rows]
        seconds = sum(row["seconds_run"] for row in rows)
        name = f"[{rows[0]['recipe']}](#{rows[0]['recipe']})"
        found = [number(recalls[0]), number(max(recalls))]
        lines.append([name, *found, str(len(rows)), f"{seconds:,.0f}"])
    return markdown(["recipe", "first", "best", "runs", "s"], lines)


def section(file: Path) -> str:
    """A search's title, what it took, and its runs."""
    rows = _rows(file)
    best = max(rows, key=lambda row: float(row["metrics"]["recall@50"]))
    seconds = sum(row["seconds_run"] for row in rows)
    always, varied = _told_apart([overrides(row) for row in rows])
    runs = f"{len(rows)} run{'s' * (len(rows) > 1)}"
    told = f"{dataset_label(rows[0]['data'])}, {runs}, {seconds:,.0f} s."
    if always:
        told += f" All have {', '.join(f'`{key}={value}`' for key, value in always.items())}."
    titles = [*(f"`{key}`" for key in varied), "best epoch", "s", *map(metric_title, COLUMNS)]
    lines = [_line(row, varied, bold=row is best) for row in rows]
    return f"## {rows[0]['recipe']}\n\n{told}\n\n{markdown(titles, lines)}"


def _rows(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def overrides(row: Row) -> dict[str, str]:
    """What a run differs in from its recipe."""
    return dict(part.split("=", 1) for part in row["variant"].split())


def _told_apart(runs: list[dict[str, str]]) -> tuple[dict[str, str], list[str]]:
    keys = list(dict.fromkeys(key for run in runs for key in run))
    varied = [key for key in keys if len({run.get(key) for run in runs}) > 1]
    return {key: runs[0][key] for key in keys if key not in varied}, varied


def _line(row: Row, varied: list[str], *, bold: bool) -> list[str]:
    chosen = overrides(row)
    diverged = not row["epochs_run"]
    cells = [chosen.get(key, "") for key in varied]
    cells.append("diverged" if diverged else f"{row['best_epoch']} of {row['epochs_run']}")
    cells.append(f"{row['seconds_run']:.0f}")
    cells += ["" if diverged else number(row["metrics"][metric]) for metric in COLUMNS]
    return [f"**{cell}**" if bold and cell else cell for cell in cells]


def main() -> int:
    """Print the page, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    print(page(parser.parse_args().folder), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
