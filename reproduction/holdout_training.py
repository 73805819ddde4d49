"""Training without some users or items, which are then folded in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.reproduction.trial import Trial
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.export import fold_in_messages
from bitrecall.training.fitting.runner import fit_interactions
from bitrecall.training.model.signs import unit_magnitude


@dataclass(frozen=True)
class Trained:
    """A trained model, in the rows of a vocabulary that includes users and items not trained on.

    Attributes:
        users: user embeddings, float32 (m, f), of mean magnitude 1 as in a release; 0 if unknown.
        items: item embeddings, float32 (n, f); 0 if unknown.
        messages: fold-in messages of the items, float32 (n, f); 0 if unknown.
        has_user: bool (m,), the users in training.
        has_item: bool (n,), the items in training.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    messages: NDArray[np.float32]
    has_user: NDArray[np.bool_]
    has_item: NDArray[np.bool_]


def train_without(trial: Trial, pairs: Interactions, phase: str) -> Trained:
    """Train on the pairs, with only the users and items that have a pair.

    Args:
        trial: the recipe, and the folder for the log and the checkpoint.
        pairs: the training pairs.
        phase: name of the checkpoint, and of the training in the log.

    Returns:
        Embeddings in the rows of the whole vocabulary of ``pairs``.

    Raises:
        InterruptedTraining: by a signal; call again to resume.
    """
    model = fit_interactions(pairs.compact(), trial.recipe, trial.fit_options(phase))
    messages = fold_in_messages(model.embeddings.item_layers, model.train.item_degrees).numpy()
    has_user, has_item = pairs.user_degrees > 0, pairs.item_degrees > 0
    users, items = np.flatnonzero(has_user), np.flatnonzero(has_item)[model.item_order]
    return Trained(
        _spread(unit_magnitude(model.embeddings.users.cpu()).numpy(), users, pairs.n_users),
        _spread(model.embeddings.items.cpu().numpy(), items, pairs.n_items),
        _spread(messages, items, pairs.n_items),
        has_user,
        has_item,
    )


def remove_pairs(
    part: Interactions,
    users: NDArray[np.bool_] | None = None,
    items: NDArray[np.bool_] | None = None,
) -> Interactions:
    """Return the pairs without those of some users or items, with the same vocabulary."""
    kept = np.ones(len(part), bool)
    if users is not None:
        kept &= ~users[part.users]
    if items is not None:
        kept &= ~items[part.items]
    return part.select(kept)


def _spread(values: NDArray[np.float32], rows: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """Return ``size`` rows of zeros, with row r of the values at ``rows[r]``."""
    spread = np.zeros((size, values.shape[1]), np.float32)
    spread[rows] = values
    return spread
