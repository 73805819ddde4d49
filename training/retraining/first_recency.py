"""The recency of the first release that a store gets from retraining; later ones keep it."""

from __future__ import annotations

import numpy as np

from bitrecall.index.releases.recency import Recency
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.fitting.runner import TrainedModel
from bitrecall.training.recency.choice import choose_recency
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.retraining.retraining_data import RetrainingData


def first_recency(
    model: TrainedModel, data: RetrainingData, held_out: Interactions, recipe: Recipe
) -> Recency | None:
    """Choose a recency with the pairs that the gate judges the candidate on.

    Args:
        model: the candidate.
        data: all pairs of the run.
        held_out: the latest pairs; random ones if their times are unknown, which choose nothing.
        recipe: its recipe.
    """
    if np.isnan(data.moments[data.judged]).any():
        return None
    chosen = choose_recency(model, in_rows_of(model.train, held_out), recipe)
    return None if chosen is None else Recency(**chosen)


def in_rows_of(train: Interactions, pairs: Interactions) -> Interactions:
    """Return the pairs whose user and item are among those of ``train``, in its rows."""
    users, items = (
        np.array([rows.get(text, -1) for text in ids], np.int32)
        for ids, rows in (
            (pairs.user_ids, {text: row for row, text in enumerate(train.user_ids)}),
            (pairs.item_ids, {text: row for row, text in enumerate(train.item_ids)}),
        )
    )
    known = (users[pairs.users] >= 0) & (items[pairs.items] >= 0)
    return collapse(
        train.user_ids,
        train.item_ids,
        users[pairs.users[known]],
        items[pairs.items[known]],
        order=None if pairs.order is None else pairs.order[known],
    )
