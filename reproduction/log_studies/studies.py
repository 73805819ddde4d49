"""The studies, in the order in which their cells run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from bitrecall.reproduction.log_studies import (
    codes,
    recency_study,
    sasrec_study,
    steps_study,
    teacher_study,
)
from bitrecall.reproduction.log_studies.cell import Cell
from bitrecall.training.errors import StudyError

STUDIES: dict[str, Callable[[str], list[Cell]]] = {
    codes.STUDY: codes.cells,
    teacher_study.STUDY: teacher_study.cells,
    recency_study.STUDY: recency_study.cells,
    sasrec_study.STUDY: sasrec_study.cells,
    steps_study.STUDY: steps_study.cells,
}
"""Maps the name of a study to its cells on a data set."""


def select_cells(datasets: Iterable[str], patterns: Sequence[str] = ()) -> list[Cell]:
    """Return the cells that match any pattern, by data set and study.

    Args:
        datasets: names of data sets.
        patterns: each a name, the beginning of one up to a slash, or a glob; empty for all cells.

    Raises:
        StudyError: a pattern matches no cell.
    """
    every = [cell for name in datasets for make in STUDIES.values() for cell in make(name)]
    for pattern in patterns:
        if not any(_matches(cell.name, pattern) for cell in every):
            raise StudyError(
                f"no cell matches {pattern!r}: expected a name that --list shows, its beginning "
                "up to a slash, or a glob"
            )
    return [
        cell
        for cell in every
        if not patterns or any(_matches(cell.name, pattern) for pattern in patterns)
    ]


def _matches(name: str, pattern: str) -> bool:
    beginning = pattern.rstrip("/") + "/"
    return f"{name}/".startswith(beginning) or fnmatchcase(name, pattern)
