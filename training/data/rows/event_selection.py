"""Filters and weights of files, applied to the events of the service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.events.event import StoredEvent
from bitrecall.training.data.columns.column_names import (
    EVENT_NAMES,
    ITEM_NAMES,
    TIME_NAMES,
    USER_NAMES,
    normalise_name,
)
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.rows.row_filter import RowFilter
from bitrecall.training.data.rows.row_selection import RowSelection, selection_lines
from bitrecall.training.data.rows.row_weights import Weighting

__all__ = ["SelectedEvents", "select_events"]

_ROLES = {"user": USER_NAMES, "item": ITEM_NAMES, "type": EVENT_NAMES, "time": TIME_NAMES}


@dataclass(frozen=True)
class SelectedEvents:
    """Which events count, and how much.

    Attributes:
        rows: bool (events,).
        weights: float64 (chosen,), above 0; None if all count alike.
        lines: what filters and weights did, for people.
    """

    rows: NDArray[np.bool_]
    weights: NDArray[np.float64] | None
    lines: tuple[str, ...]


def select_events(events: Sequence[StoredEvent], options: ReadOptions) -> SelectedEvents:
    """Apply the options of files to events.

    An event has the columns user, item, type and time, under any of their common names (``event``
    and ``type`` are the same). An option that names another column says nothing about events and is
    not applied to them.

    Args:
        events: that can be used.
        options: ``where`` and ``weight``; events have no ratings.

    Raises:
        DataError: an expression is not valid.
    """
    named: dict[str, str] = {}
    notes = []
    applied = replace(options, min_rating=None)
    for field, columns in (
        ("where", () if options.where is None else RowFilter.parse(options.where).columns),
        ("weight", () if options.weight is None else Weighting.parse(options.weight).columns),
    ):
        roles = {name: role for name in columns if (role := _role(name)) is not None}
        if len(roles) < len(columns):
            missing = ", ".join(name for name in columns if name not in roles)
            notes.append(f"--{field} is not applied to events, which have no column {missing}")
            applied = (
                replace(applied, where=None) if field == "where" else replace(applied, weight=None)
            )
        else:
            named |= roles
    if not named:
        return SelectedEvents(np.ones(len(events), np.bool_), None, tuple(notes))
    values = {
        "user": pl.Series([one.user_id for one in events], dtype=pl.String),
        "item": pl.Series([one.item_id for one in events], dtype=pl.String),
        "type": pl.Series([one.type for one in events], dtype=pl.String),
        "time": pl.from_epoch(
            pl.Series([one.at * 1e6 for one in events], dtype=pl.Float64).cast(pl.Int64), "us"
        ),
    }
    frame = pl.DataFrame({name: values[role] for name, role in named.items()})
    selection = RowSelection(applied, frame.columns, "events")
    chosen = selection.select(frame)
    if chosen is None:
        return SelectedEvents(np.ones(len(events), np.bool_), None, tuple(notes))
    rows, weights = chosen.rows, chosen.weights
    if weights is not None and chosen.faults:
        # A column of numbers: whatever is no weight does not count.
        good = ~np.isnan(weights)
        rows[np.flatnonzero(rows)[~good]] = False
        weights = weights[good]
        notes.append(f"{len(chosen.faults):,} events have no usable weight and are left out")
    lines = selection_lines(applied, selection.left_out, selection.tally)
    return SelectedEvents(rows, weights, (*notes, *(f"events: {line.strip()}" for line in lines)))


def _role(name: str) -> str | None:
    short = normalise_name(name)
    return next((role for role, names in _ROLES.items() if short in names), None)
