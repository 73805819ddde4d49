"""The table of recency by the activity of users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bitrecall.reproduction.log_studies import recency_study
from bitrecall.reproduction.log_studies.recency_study import ALL_USERS, SCORE
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import dataset_label
from bitrecall.reproduction.table_format import markdown, number


def recency_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the first seed: groups differ between seeds."""
    of_study = [row for row in rows if row["study"] == recency_study.STUDY]
    first: dict[str, int] = {}
    for row in of_study:
        first[row["part"]] = min(row["seed"], first.get(row["part"], row["seed"]))
    return [row for row in of_study if row["seed"] == first[row["part"]]]


def recency_table(rows: Sequence[Row]) -> str:
    """Return what one choice of recency gains for all users, and what a choice per group gains."""
    titles = [
        *("data", "new items", "training items", "users", "score without"),
        *("for all: g, τ", "gain", "for the group: g, τ", "gain"),
    ]
    lines = []
    for row in recency_rows(rows):
        details = row["details"]
        low, high = details["items"]
        items = f"{low:,}–{high:,}" if low != high else f"{low:,}"
        lines.append(
            [
                dataset_label(row["dataset"]),
                details["new"],
                f"all: {items}" if details["group"] == ALL_USERS else items,
                f"{details['users']:,}",
                number(row["metrics"][SCORE]),
                *_choice_cells(details["for_all"]),
                *_choice_cells(details["for_group"]),
            ]
        )
    return markdown(titles, lines)


def _choice_cells(choice: Mapping[str, Any]) -> list[str]:
    gain, error = 100 * choice["gain"], 100 * choice["error"]
    setting = f"{choice['strength']:g}, {choice['decay']:g}" if choice["strength"] else "0"
    return [setting, f"{'−' if gain < 0 else '+'}{abs(gain):.1f}% ± {error:.1f}"]
