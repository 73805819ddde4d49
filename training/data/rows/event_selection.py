"""Apply the filters and weights of files to the events of the service."""

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
from bitrecall.training.data.rows.row_selection import RowSelection, selection_lines
from bitrecall.training.data.rows.row_weights import Weighting
from bitrecall.training.data.rows.where_filter import RowFilter

__all__ = ["SelectedEvents", "select_events"]

_ROLES = {"user": USER_NAMES, "item": ITEM_NAMES, "type": EVENT_NAMES, "time": TIME_NAMES}


@dataclass(frozen=True)
class SelectedEvents:
    """The selected events and their weights.

    Attributes:
        rows: bool (events,), which events are selected.
        weights: float64 (selected,), above 0; None if all are equal.
        lines: report of the filters and weights, for users.
    """

    rows: NDArray[np.bool_]
    weights: NDArray[np.float64] | None
    lines: tuple[str, ...]


def select_events(events: Sequence[StoredEvent], options: ReadOptions) -> SelectedEvents:
    """Apply ``where`` and ``weight`` to events.

    An event has the columns user, item, type and time, under any of their common names (``event``
    and ``type`` are equivalent). An option with any other column is not applied to events.

    Args:
        events: valid events.
        options: only ``where`` and ``weight`` apply; events have no ratings.

    Raises:
        DataError: an expression is invalid.
    """
    role_of: dict[str, str] = {}
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
            role_of |= roles
    if not role_of:
        return SelectedEvents(np.ones(len(events), np.bool_), None, tuple(notes))
    values = {
        "user": pl.Series([event.user_id for event in events], dtype=pl.String),
        "item": pl.Series([event.item_id for event in events], dtype=pl.String),
        "type": pl.Series([event.type for event in events], dtype=pl.String),
        "time": pl.from_epoch(
            pl.Series([event.at * 1e6 for event in events], dtype=pl.Float64).cast(pl.Int64), "us"
        ),
    }
    frame = pl.DataFrame({name: values[role] for name, role in role_of.items()})
    selection = RowSelection(applied, frame.columns, "events")
    selected = selection.select(frame)
    if selected is None:
        return SelectedEvents(np.ones(len(events), np.bool_), None, tuple(notes))
    rows, weights = selected.rows, selected.weights
    if weights is not None and selected.faults:
        # Cells in a column of numbers may be invalid weights: leave these events out.
        valid = ~np.isnan(weights)
        rows[np.flatnonzero(rows)[~valid]] = False
        weights = weights[valid]
        notes.append(f"{len(selected.faults):,} events have no valid weight and are left out")
    if weights is not None:
        selection.count(frame.filter(rows), weights)
    lines = selection_lines(applied, selection.left_out, selection.tally)
    return SelectedEvents(rows, weights, (*notes, *(f"events: {line.strip()}" for line in lines)))


def _role(name: str) -> str | None:
    normalised = normalise_name(name)
    return next((role for role, names in _ROLES.items() if normalised in names), None)
