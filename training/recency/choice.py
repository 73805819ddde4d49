"""Chooses on validation how codes depend on the order of a user's items.

The model was trained without each user's latest pairs. Three choices are made on them:

- How far known users with fresh items lean, and over how many items: of each user with at least two
  held-out pairs, the first quarter, half and three quarters are fresh items, and the others are to
  be found. The three scores are averaged.
- How far known users without fresh items lean, at most as far: all held-out pairs are to be found.
- Over how many items the histories of unknown users decay: users are folded in from their training
  items alone.

Of settings that differ by no more than noise, the one that depends least on the order is chosen
(``bitrecall.training.recency.selection``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.recency import Recency
from bitrecall.training.data.histories import histories
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.split import takes_latest
from bitrecall.training.export import release_contents
from bitrecall.training.fitting.runner import TrainedModel
from bitrecall.training.recency.selection import simplest_within_noise
from bitrecall.training.recency.validation_scores import ValidationScores
from bitrecall.training.recipe.recipe import Recipe

STRENGTHS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
DECAYS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
HISTORY_DECAYS: Final = (64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0)

MIN_USERS: Final = 30
"""With fewer users nothing is measured."""

_MAX_USERS: Final = 4000
# Limits the codes that are compared for a score, to a tenth of a second on one core.
_MAX_COMPARISONS: Final = 2**26
_FRESH_SHARES: Final = (0.25, 0.5, 0.75)
_STREAM: Final = 11

_NO_ITEMS: Final = np.empty(0, np.int64)


def validated_recency(model: TrainedModel, recipe: Recipe) -> dict[str, Any] | None:
    """Choose a recency with the validation pairs of a model, if these are the latest.

    Args:
        model: trained without the held-out pairs of its validator.
        recipe: its recipe.

    Returns:
        As ``choose_recency``.
    """
    if model.validator is None or not takes_latest(model.train, recipe.validation.cut):
        return None
    return choose_recency(model, model.validator.held_out, recipe)


def choose_recency(
    model: TrainedModel, held_out: Interactions, recipe: Recipe
) -> dict[str, Any] | None:
    """Choose a recency with held-out pairs.

    Args:
        model: trained without the held-out pairs.
        held_out: the latest pairs of users, in the rows of the model.
        recipe: the recipe of the model.

    Returns:
        The fields of a ``Recency``; None if the order is unknown or does not matter.
    """
    part = model.train
    if recipe.release.recency == "off" or recipe.similarity != "hamming" or part.ages is None:
        return None
    users = sampled_users(part, held_out, recipe.seed)
    if len(users) < MIN_USERS:
        return None
    contents = release_contents(model.embeddings, part, recipe)
    generator = np.random.default_rng([recipe.seed, _STREAM])
    taken, targets = (histories(pairs, users.tolist(), generator) for pairs in (part, held_out))
    nothing = [_NO_ITEMS] * len(users)
    every = ValidationScores(contents, users, taken, nothing, targets)
    several = [place for place, items in enumerate(targets) if len(items) > 1]
    if len(several) < MIN_USERS:
        known_strength, decay = _strength([every], STRENGTHS, DECAYS)
        fresh_strength = known_strength
    else:
        with_fresh = [
            _scores_with_fresh(
                contents,
                users[several],
                [taken[place] for place in several],
                [targets[place] for place in several],
                share,
            )
            for share in _FRESH_SHARES
        ]
        fresh_strength, decay = _strength(with_fresh, STRENGTHS, DECAYS)
        smaller = [strength for strength in STRENGTHS if strength <= fresh_strength]
        known_strength, _ = _strength([every], smaller, [decay])
    history_decay = simplest_within_noise(
        [(choice, every.of_unknown(choice)) for choice in (None, *HISTORY_DECAYS)]
    )
    if not fresh_strength and history_decay is None:
        return None
    return asdict(Recency(decay, known_strength, fresh_strength, history_decay))


def _scores_with_fresh(
    contents: ReleaseContents,
    users: NDArray[np.int64],
    taken: Sequence[NDArray[np.int32]],
    held_out: Sequence[NDArray[np.int32]],
    share: float,
) -> ValidationScores:
    """Return the scores if a share of each user's held-out items, the first ones, is fresh."""
    counts = [min(max(round(share * len(items)), 1), len(items) - 1) for items in held_out]
    fresh = [items[:count] for items, count in zip(held_out, counts, strict=True)]
    targets = [items[count:] for items, count in zip(held_out, counts, strict=True)]
    return ValidationScores(contents, users, taken, fresh, targets)


def _strength(
    scores: Sequence[ValidationScores], strengths: Sequence[float], decays: Sequence[float]
) -> tuple[float, float]:
    """Choose a strength and its best decay; without a strength, the decay is any of them.

    Args:
        scores: of the same users; their mean counts.
        strengths: strengths above 0, the smallest first.
        decays: the decays to try.
    """

    def measure(strength: float, decay: float) -> NDArray[np.float64]:
        return np.asarray(np.mean([score.of_known(strength, decay) for score in scores], axis=0))

    candidates = [((0.0, decays[0]), measure(0.0, decays[0]))]
    for strength in strengths:
        measured = [((strength, decay), measure(strength, decay)) for decay in decays]
        candidates.append(max(measured, key=lambda candidate: float(candidate[1].mean())))
    return simplest_within_noise(candidates)


def sampled_users(part: Interactions, held_out: Interactions, seed: int) -> NDArray[np.int64]:
    """Return rows of users with pairs in both parts, increasing; a random sample if many."""
    users = np.flatnonzero((part.user_degrees > 0) & (held_out.user_degrees > 0))
    limit = min(_MAX_USERS, max(_MAX_COMPARISONS // max(part.n_items, 1), MIN_USERS))
    if len(users) <= limit:
        return users
    chosen = np.random.default_rng([seed, _STREAM]).choice(users, limit, replace=False)
    return np.sort(chosen)
