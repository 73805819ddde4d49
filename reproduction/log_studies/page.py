"""The page of the studies: a handwritten page with marked places for tables and plots.

A place is the text between ``<!-- log studies: NAME -->`` and the next ``<!-- end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from bitrecall.disk import replace_file
from bitrecall.reproduction.log_studies import (
    order_tables,
    recency_table,
    steps_table,
    teacher_tables,
)
from bitrecall.reproduction.results import Row, read_results
from bitrecall.training.errors import StudyError

PAGE = "README.md"

TABLES: dict[str, Callable[[Sequence[Row]], str]] = {
    "order": order_tables.order_table,
    "search": order_tables.search_table,
    "scorers": teacher_tables.scorers_table,
    "ranker": teacher_tables.ranker_table,
    "student": teacher_tables.student_table,
    "recency": recency_table.recency_table,
    "steps": steps_table.steps_table,
}
"""The tables by the names of their places."""

_PLACE = re.compile(r"(<!-- log studies: (?P<name>[^>]*?) -->\n)(?P<old>.*?)(<!-- end -->)", re.S)
_HEADER_LINES = 2


def fill(text: str, rows: Sequence[Row], plots: Sequence[str] = ()) -> str:
    """Fill every marked place of a page.

    Args:
        text: the page.
        rows: the results.
        plots: names of the plots beside the page; a plot follows the table of its name.

    Raises:
        StudyError: the name of a place is unknown.
    """

    def filled(place: re.Match[str]) -> str:
        name = place["name"]
        if name not in TABLES:
            raise StudyError(f"unknown place {name!r}: expected one of {', '.join(TABLES)}")
        table = TABLES[name](rows)
        if table.count("\n") < _HEADER_LINES:
            table = "No results yet."
        plot = f"\n\n![{name}]({name}.svg)" if name in plots else ""
        return f"{place[1]}\n{table}{plot}\n\n{place[4]}"

    return _PLACE.sub(filled, text)


def publish(out: Path) -> list[Path]:
    """Update the page and the plots in a folder from its ``results.json``.

    A folder without a page gets one that has only the places.

    Returns:
        The files that changed.

    Raises:
        StudyError: ``results.json`` is damaged, or the name of a place is unknown.
    """
    # Imported here: matplotlib is an extra that running a cell does not need.
    from bitrecall.reproduction.log_studies.plots import PLOTS, draw

    rows = read_results(out)
    drawn = {name: svg for name in PLOTS if (svg := draw(name, rows)) is not None}
    page = out / PAGE
    text = page.read_text("utf-8") if page.exists() else _page_of_places()
    written = {page: fill(text, rows, list(drawn))}
    written |= {out / f"{name}.svg": svg for name, svg in drawn.items()}
    changed = [
        path
        for path, content in written.items()
        if not path.exists() or path.read_text("utf-8") != content
    ]
    out.mkdir(parents=True, exist_ok=True)
    for path in changed:
        replace_file(path, written[path])
    return changed


def _page_of_places() -> str:
    places = "\n".join(f"<!-- log studies: {name} -->\n<!-- end -->\n" for name in TABLES)
    return f"# Studies on logs\n\n{places}"
