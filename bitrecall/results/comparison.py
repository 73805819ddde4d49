"""Codes compared with float recommenders on the same held-out interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Final

from bitrecall.errors import ArgumentError
from bitrecall.extras import extra_needed
from bitrecall.results.comparison_text import comparison_text, head_lines, notes, setting_text
from bitrecall.results.table import Table

__all__ = [
    "BREAKDOWN",
    "OVERALL",
    "Comparison",
    "ComparisonRow",
    "Groups",
    "Measures",
    "NotRun",
    "check_plot_path",
]

OVERALL: Final = ("recall@20", "recall@50", "ndcg@20", "coverage@20")
BREAKDOWN: Final = ("recall@20 cold", "recall@20 warm", "recall@20 head", "recall@20 tail")

Measures = Mapping[str, float | None]
"""Values of ``OVERALL`` and ``BREAKDOWN``; None if no user or no item is in a group."""

_PLOT_SUFFIXES: Final = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Groups:
    """The bounds of the groups of the breakdown, and their sizes.

    Cold users are the third of the measured users with the fewest training items. Head items are
    the most popular items, which make up half of the training interactions; all others are tail
    items.

    Attributes:
        cold_items: a cold user has at most this many training items; -1 if all measured users have
            the same number.
        cold_users: number of measured users that are cold.
        warm_users: number of the other measured users.
        head_items: number of head items.
        tail_items: number of tail items.
    """

    cold_items: int
    cold_users: int
    warm_users: int
    head_items: int
    tail_items: int


@dataclass(frozen=True)
class ComparisonRow:
    """A recommender of the comparison.

    Attributes:
        name: its name in the table.
        measures: its measures; None for those that are not known.
        bytes_per_item: size of what it stores of the items, over their number.
        seconds: time of tuning, of the final fit and of its measurement; of the codes, of the whole
            training; None if unknown.
        setting: the chosen values by name; empty for codes and popularity.
        trials: number of settings tried.
        possible_trials: number of settings of a complete search.
    """

    name: str
    measures: Measures
    bytes_per_item: int
    seconds: float | None
    setting: Mapping[str, float]
    trials: int = 0
    possible_trials: int = 0


@dataclass(frozen=True)
class NotRun:
    """A recommender that was not measured, and why."""

    name: str
    reason: str


@dataclass(frozen=True, repr=False)
class Comparison(Table):
    """The table of ``bitrecall benchmark``: a row per recommender, the codes last.

    Attributes:
        data: name of the data set.
        split: held-out interactions that were measured: "test" or "validation".
        users: number of measured users.
        unknown_users: how many of them have no training interactions; all recommenders list the
            popular items for them.
        interactions: number of the held-out interactions of all measured users.
        tuned_on: description of the interactions that settings were chosen on.
        groups: bounds and sizes of the groups.
        recommenders: the float recommenders, in the order of the table.
        codes: the codes.
        not_run: recommenders that were not measured.
        seconds: time of the comparison, without the training of the codes.
        order_used_by: what makes the codes depend on the order of interactions: "teacher",
            "recency", or both; empty if the order is unknown or has no effect.
    """

    _column_types: ClassVar[Mapping[str, type]] = {
        "recommender": str,
        "bytes per item": int,
        "setting": str,
    }

    data: str
    split: str
    users: int
    unknown_users: int
    interactions: int
    tuned_on: str
    groups: Groups
    recommenders: Sequence[ComparisonRow]
    codes: ComparisonRow
    not_run: Sequence[NotRun]
    seconds: float
    order_used_by: Sequence[str] = ()

    @property
    def rows(self) -> list[ComparisonRow]:
        """The rows of the table: the float recommenders, then the codes."""
        return [*self.recommenders, self.codes]

    @property
    def best(self) -> ComparisonRow | None:
        """The float recommender with the highest recall@20, of equal ones the highest ndcg@20.

        None if none was measured.
        """
        return max(
            self.recommenders,
            key=lambda row: [row.measures.get(name) or 0.0 for name in ("recall@20", "ndcg@20")],
            default=None,
        )

    def __repr__(self) -> str:
        return comparison_text(self)

    def _repr_html_(self) -> str:
        """Return an HTML table with the notes, for notebooks."""
        # Only the text marks the best values.
        lines = [escape(line) for line in notes(self) if line and not line.startswith("*")]
        return f"<div>{super()._repr_html_()}<p>{'<br>'.join(lines)}</p></div>"

    def plot(self, path: str | PathLike[str]) -> None:
        """Plot the table as bars.

        Args:
            path: file to write; its suffix is ``.png``, ``.svg`` or ``.pdf``.

        Raises:
            ArgumentError: the suffix is another one.
            MissingExtraError: matplotlib is not installed.
            OSError: the file cannot be written.
        """
        file = check_plot_path(path)
        with extra_needed("Comparison.plot", "benchmark"):
            from bitrecall.results.comparison_plot import draw
        draw(self, file)

    def _title(self) -> str:
        return f"{self.data}: {'; '.join(head_lines(self))}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        rows = self.rows
        measures: dict[str, list[float | None]] = {
            name: [row.measures.get(name) for row in rows] for name in (*OVERALL, *BREAKDOWN)
        }
        return {
            "recommender": [row.name for row in rows],
            **measures,
            "bytes per item": [row.bytes_per_item for row in rows],
            "seconds": [row.seconds for row in rows],
            "setting": [setting_text(row) for row in rows],
        }


def check_plot_path(path: str | PathLike[str]) -> Path:
    """Return the path of a plot.

    Raises:
        ArgumentError: its suffix names no supported format.
    """
    file = Path(path)
    if file.suffix.lower() not in _PLOT_SUFFIXES:
        raise ArgumentError(f"{file} must end in .png, .svg or .pdf", "path")
    return file
