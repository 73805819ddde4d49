"""The contents of a release, checked before they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import ReleaseContentsError, SearchError
from bitrecall.index.releases.array_checks import has_negative_zero, is_finite
from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.data_fingerprint import DataFingerprint
from bitrecall.index.releases.recency import Recency, ages_fault
from bitrecall.index.releases.repeats import Repeats, counts_fault
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.search.index_selection import AUTOMATIC
from bitrecall.index.search.registry import backend


@dataclass(frozen=True, eq=False)
class ReleaseContents:
    """The contents of a release: m users, n items, codes of f bits.

    Items are in descending popularity, so that ties go to the more popular item.

    Attributes:
        item_codes: uint8 (n, f/8).
        user_embeddings: float16 or float32 (m, f). Round to float16 with
            ``bitrecall.index.search.packing.to_half_keeping_signs``: -0.0 is rejected, since
            ordinary rounding turns tiny negative values into it.
        fold_in_messages: float16 or float32 (n, f).
        seen: the item rows of each user's training interactions.
        user_ids: m ids.
        item_ids: n ids.
        popularity: int64 (n,), interactions per item, never increasing.
        data: fingerprint of the interactions.
        recipe: recipe of the training.
        code_version: version of the code that trained.
        attributes: attributes of the items, by row; None if there are none.
        backend: name of a search backend, or "auto".
        backend_parameters: parameters of the backend.
        recall: share of the true nearest 100 that the index must return
            (``bitrecall.index.search.index_selection``).
        seen_weights: float32 (seen,), weights of the training interactions; None for equal weights.
        seen_ages: uint16 (seen,), for each training interaction the number of the user's later ones
            (``bitrecall.index.releases.recency.stored_ages``); None if their order is unknown.
        recency: how codes depend on the order; None if they do not, or without ``seen_ages``.
        seen_counts: uint16 (seen,), for each pair of user and item the number of interactions, at
            most 65,535; None without ``repeats``.
        seen_decayed: float16 (seen,), their decayed counts; None without ``repeats``.
        repeats: which place own items take in lists that do not leave them out; None if they have
            none of their own.
    """

    item_codes: NDArray[np.uint8]
    user_embeddings: NDArray[np.floating[Any]]
    fold_in_messages: NDArray[np.floating[Any]]
    seen: RowLists
    user_ids: Sequence[str]
    item_ids: Sequence[str]
    popularity: NDArray[np.int64]
    data: DataFingerprint
    recipe: Mapping[str, Any]
    code_version: str
    attributes: ItemAttributes | None = None
    backend: str = AUTOMATIC
    backend_parameters: Mapping[str, int] = field(default_factory=dict)
    recall: float = 0.98
    seen_weights: NDArray[np.float32] | None = None
    seen_ages: NDArray[np.uint16] | None = None
    recency: Recency | None = None
    seen_counts: NDArray[np.uint16] | None = None
    seen_decayed: NDArray[np.float16] | None = None
    repeats: Repeats | None = None

    def check(self) -> None:
        """Raise ReleaseContentsError on the first inconsistency."""
        fault = self._fault()
        if fault:
            raise ReleaseContentsError(fault)
        if self.backend == AUTOMATIC:
            return
        try:
            backend(self.backend)
        except SearchError as error:
            raise ReleaseContentsError(str(error)) from error

    def _fault(self) -> str | None:
        codes, popularity = self.item_codes, self.popularity
        if codes.dtype != np.uint8 or codes.ndim != 2 or 0 in codes.shape:
            return (
                f"item codes are {codes.dtype} of shape {codes.shape}: expected uint8 (n, bits/8)"
            )
        if not 0 < self.recall <= 1:
            return f"invalid recall {self.recall}: expected more than 0 and at most 1"
        items, bits, users = len(codes), codes.shape[1] * 8, len(self.user_ids)
        if users == 0:
            return "a release needs at least one user"
        if len(self.item_ids) != items:
            return f"there are {len(self.item_ids)} item ids for {items} item codes"
        for name, array, rows in (
            ("user embeddings", self.user_embeddings, users),
            ("fold-in messages", self.fold_in_messages, items),
        ):
            if array.dtype not in (np.float16, np.float32):
                return f"{name} are {array.dtype}: expected float16 or float32"
            if array.shape != (rows, bits):
                return f"{name} have shape {array.shape}: expected {(rows, bits)}"
            if not is_finite(array):
                return f"{name} contain NaN or infinity"
        if self.user_embeddings.dtype == np.float16 and has_negative_zero(self.user_embeddings):
            return "user embeddings contain -0.0: round them with to_half_keeping_signs"
        if popularity.dtype != np.int64 or popularity.shape != (items,):
            return f"popularity is {popularity.dtype} {popularity.shape}: expected int64 {(items,)}"
        if (popularity[1:] > popularity[:-1]).any() or popularity[-1] < 0:
            return "popularity must be descending and not negative"
        if fault := self.seen.fault(users, items):
            return f"seen items: {fault}"
        if self.seen_weights is not None and (
            fault := weights_fault(self.seen_weights, len(self.seen.rows))
        ):
            return f"weights of seen items: {fault}"
        if self.seen_ages is not None and (fault := ages_fault(self.seen_ages, self.seen)):
            return f"ages of seen items: {fault}"
        if self.recency is not None:
            if self.seen_ages is None or not len(self.seen_ages):
                return "recency needs the ages of seen items"
            if fault := self.recency.fault():
                return f"recency: {fault}"
        if self.repeats is not None:
            if self.seen_counts is None or self.seen_decayed is None or not len(self.seen_counts):
                return "repeats need the counts of seen items"
            if fault := self.repeats.fault() or counts_fault(
                self.seen_counts, self.seen_decayed, self.seen
            ):
                return f"repeats: {fault}"
        elif self.seen_counts is not None or self.seen_decayed is not None:
            return "counts of seen items need repeats"
        if self.attributes and (wrong := self.attributes.fault(items)):
            return f"item attributes: {wrong[1]}"
        return None


def weights_fault(weights: NDArray[Any], seen: int) -> str | None:
    """Return what is wrong with the weights of ``seen`` interactions, or None."""
    if weights.dtype != np.float32 or weights.shape != (seen,):
        return f"they are {weights.dtype} {weights.shape}: expected float32 {(seen,)}"
    if not (np.isfinite(weights) & (weights > 0)).all():
        return "a weight is not finite or not above 0"
    return None
