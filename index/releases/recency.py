"""Recency: how much more a user's newest items count for the user's code than older ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from math import ceil, isfinite, log
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.row_lists import RowLists

MAX_DECAY: Final = 1000.0
"""Largest decay, in items; it bounds the number of items that a code is computed from."""

MAX_STRENGTH: Final = 100.0
"""Largest strength."""

MAX_AGE: Final = 2**16 - 1
"""Larger ages are stored as this one."""

# Weights are multiples of this. The sums of products with float16 messages are then exact in
# float64 for all usual magnitudes, so that they depend neither on the order of the items nor on the
# library that adds them. Weights of less than half of it are 0: few items have a weight.
_WEIGHT_STEP: Final = 2.0**-12
_USERS_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class Recency:
    """How codes depend on the order of a user's items; chosen on validation when publishing.

    An item's age is the number of the user's items that came later.

    Attributes:
        decay: τ of known users: an item of age a has the weight exp(-a/τ); in items.
        known_strength: how far the code of a known user without fresh items (items since training)
            leans towards the weighted items; 0 keeps the trained code.
        fresh_strength: the same for known users with fresh items, at least ``known_strength``; 0
            lets fresh items count as much as training items.
        history_decay: τ of unknown users, in items; None weights all items of a history alike.
    """

    decay: float = 1.0
    known_strength: float = 0.0
    fresh_strength: float = 0.0
    history_decay: float | None = None

    def fault(self) -> str | None:
        """Return what is wrong with the values, or None."""
        for name, value in asdict(self).items():
            if name == "history_decay" and value is None:
                continue
            is_number = isinstance(value, float | int) and not isinstance(value, bool)
            if not is_number or not isfinite(value):
                return f"{name} is {value!r}: expected a number"
            if name.endswith("decay") and not 0 < value <= MAX_DECAY:
                return f"{name} is {value:g}: expected more than 0 and at most {MAX_DECAY:g}"
            if name.endswith("strength") and not 0 <= value <= MAX_STRENGTH:
                return f"{name} is {value:g}: expected a number from 0 to {MAX_STRENGTH:g}"
        if self.fresh_strength < self.known_strength:
            return (
                f"fresh_strength is {self.fresh_strength:g}: expected at least known_strength "
                f"({self.known_strength:g})"
            )
        return None

    def describe(self) -> str:
        """Describe the values in a sentence, for users of the command line."""
        parts = []
        if self.fresh_strength:
            parts.append(
                f"known users lean {self.known_strength:g} towards their newest items, "
                f"{self.fresh_strength:g} with new ones (decay {self.decay:g} items)"
            )
        if self.history_decay is not None:
            parts.append(f"histories of unknown users decay over {self.history_decay:g} items")
        return "; ".join(parts) or "the order of items does not matter"


@lru_cache(maxsize=64)
def age_weights(decay: float) -> NDArray[np.float64]:
    """Return the weights of ages 0, 1, 2, …, float64 (a,), read-only; older items weigh 0."""
    ages = np.arange(ceil(decay * -log(_WEIGHT_STEP / 4)) + 1)
    weights = np.rint(np.exp(-ages / decay) / _WEIGHT_STEP) * _WEIGHT_STEP
    weights = weights[: np.count_nonzero(weights)]
    weights.flags.writeable = False
    return weights


def decayed_sum(
    messages: NDArray[np.floating[Any]],
    items: NDArray[np.integer[Any]],
    ages: NDArray[np.integer[Any]],
    decay: float,
) -> NDArray[np.float64]:
    """Return the sum of the items' messages by the weights of their ages, float64 (f,).

    Args:
        messages: float (n, f), fold-in messages of the items.
        items: rows of items, (h,).
        ages: their ages, (h,).
        decay: τ, in items.
    """
    weights = age_weights(decay)
    is_recent = ages < len(weights)
    recent = messages[items[is_recent]].astype(np.float64)
    total: NDArray[np.float64] = weights[ages[is_recent]] @ recent
    return total


def lean(
    embeddings: NDArray[np.floating[Any]], recent: NDArray[np.float64], strength: float
) -> NDArray[np.float64]:
    """Return embeddings that lean towards recent items, float64 (b, f).

    They are e/|e| + g · D/|D|, with |·| the mean magnitude. A vector of zeros adds nothing.

    Args:
        embeddings: e, float (b, f).
        recent: D, the sums of the messages of recent items, (b, f).
        strength: g.
    """
    return _unit(embeddings.astype(np.float64)) + strength * _unit(recent)


def leaning_codes(
    embeddings: NDArray[np.floating[Any]],
    messages: NDArray[np.floating[Any]],
    seen: RowLists,
    ages: NDArray[np.integer[Any]],
    recency: Recency,
) -> NDArray[np.uint8]:
    """Return the codes of known users without fresh items, uint8 (m, f/8).

    Args:
        embeddings: float (m, f), the trained embeddings.
        messages: float (n, f), fold-in messages of the items.
        seen: the items of each user's training interactions.
        ages: (seen,), ages of these items.
        recency: decay and ``known_strength``.
    """
    codes = np.empty((len(embeddings), embeddings.shape[1] // 8), np.uint8)
    for start in range(0, len(embeddings), _USERS_AT_ONCE):
        block = np.arange(start, min(start + _USERS_AT_ONCE, len(embeddings)))
        recent = [
            decayed_sum(messages, seen[user], ages_of(seen, ages, user), recency.decay)
            for user in block.tolist()
        ]
        leaning = lean(embeddings[block], np.array(recent), recency.known_strength)
        codes[block] = np.packbits(leaning >= 0, axis=1, bitorder="little")
    return codes


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide vectors by their mean magnitudes, except vectors of zeros."""
    # As np.mean does it, without its overhead.
    magnitudes = np.add.reduce(np.abs(vectors), axis=-1, keepdims=True) / vectors.shape[-1]
    return np.asarray(vectors / np.where(magnitudes > 0, magnitudes, 1.0))


def ages_of(seen: RowLists, ages: NDArray[np.integer[Any]], user: int) -> NDArray[np.integer[Any]]:
    """Return the ages of a user's training items, in the order of ``seen[user]``."""
    return ages[int(seen.indptr[user]) : int(seen.indptr[user + 1])]


def stored_ages(ages: NDArray[np.integer[Any]]) -> NDArray[np.uint16]:
    """Return ages as they are stored, uint16; larger ones than ``MAX_AGE`` become ``MAX_AGE``."""
    stored: NDArray[np.uint16] = np.minimum(ages, MAX_AGE).astype(np.uint16)
    return stored


def ages_fault(ages: NDArray[Any], seen: RowLists) -> str | None:
    """Return what is wrong with the stored ages of training items, or None."""
    if ages.dtype != np.uint16 or ages.shape != seen.rows.shape:
        return f"they are {ages.dtype} {ages.shape}: expected uint16 {seen.rows.shape}"
    has_items = seen.lengths > 0
    oldest = np.maximum.reduceat(ages, seen.indptr[:-1][has_items]) if len(ages) else ages
    if (oldest >= seen.lengths[has_items]).any():
        return "an age is not below the number of the user's items"
    return None
