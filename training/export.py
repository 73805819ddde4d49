"""Converts trained embeddings to the contents of a release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall import __version__
from bitrecall.events.position import NOTHING_READ, LogPosition
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.data_fingerprint import DataFingerprint
from bitrecall.index.releases.recency import Recency, stored_ages
from bitrecall.index.releases.repeats import Repeats, stored_counts
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.search.packing import pack_signs, to_half_keeping_signs
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.items.item_table import ItemTable
from bitrecall.training.model.method import Embeddings
from bitrecall.training.model.signs import unit_magnitude
from bitrecall.training.recipe.recipe import Recipe


class SeenRepeats(NamedTuple):
    """How often users took the items of a release.

    Attributes:
        rates: how often they are taken again.
        counts: int64 (nnz,), number of interactions of each pair, in the order of the pairs.
        decayed: float64 (nnz,), their decayed counts.
    """

    rates: Repeats
    counts: NDArray[np.int64]
    decayed: NDArray[np.float64]


def release_contents(
    embeddings: Embeddings,
    train: Interactions,
    recipe: Recipe,
    *,
    items: ItemTable | None = None,
    position: LogPosition = NOTHING_READ,
    recorded: Mapping[str, Any] | None = None,
    recency: Recency | None = None,
    repeats: SeenRepeats | None = None,
) -> ReleaseContents:
    """Build the contents of a release.

    Args:
        embeddings: embeddings of the users and items of ``train``, in its rows.
        train: all training pairs, items in descending popularity. The service excludes a user's
            items in them from recommendations. Every user and item has at least one pair.
        recipe: stored in the manifest; defines the index and the dtype.
        items: tags and attributes for filters; None if there are none.
        position: position in the event log up to which the pairs include the service's events.
        recorded: more entries for the manifest's recipe, such as the number of epochs that ran.
        recency: how codes depend on the order of the pairs; ignored if their order is unknown.
        repeats: which place own items take in lists; None if they have none of their own.

    Returns:
        The contents, items in descending popularity.
    """
    weights = train.relative_weights()
    degrees = np.bincount(train.items, weights, train.n_items) if weights is not None else None
    messages = fold_in_messages(
        embeddings.item_layers, train.item_degrees if degrees is None else degrees
    )
    stored = _half if recipe.release.embeddings == "float16" else _single
    return ReleaseContents(
        item_codes=pack_signs(embeddings.items.cpu().numpy()),
        user_embeddings=stored(unit_magnitude(embeddings.users.cpu())),
        fold_in_messages=stored(messages),
        seen=RowLists(train.indptr, train.items),
        seen_weights=train.weights,
        seen_ages=None if train.ages is None else stored_ages(train.ages),
        recency=None if train.ages is None else recency,
        repeats=None if repeats is None else repeats.rates,
        seen_counts=None if repeats is None else stored_counts(repeats.counts),
        seen_decayed=None if repeats is None else repeats.decayed.astype(np.float16),
        user_ids=train.user_ids,
        item_ids=train.item_ids,
        popularity=train.item_degrees,
        data=DataFingerprint(
            sha256=train.sha256(),
            users=train.n_users,
            items=train.n_items,
            interactions=len(train),
            first_time=train.first_time,
            last_time=train.last_time,
            last_event=position.sequence,
            events_id=position.log_id,
            last_event_digest=position.digest,
        ),
        recipe={**recipe.model_dump(mode="json"), **(recorded or {})},
        code_version=__version__,
        attributes=None if items is None else items.attributes_of(train.item_ids),
        backend=recipe.release.index,
        recall=recipe.release.recall,
    )


def fold_in_messages(
    item_layers: list[Tensor], item_degrees: NDArray[np.integer] | NDArray[np.floating]
) -> Tensor:
    """Compute the items' messages to their users: M_i = (Σ_{k<K} e_i^(k)) / √deg(i).

    In LightGCN, the embedding of a user with items I is the sum of M_i over I, except for the
    user's free embedding and a positive factor, which does not change signs. Without propagation
    (K = 0), the item's own embedding is used.

    Args:
        item_layers: K + 1 tensors float32 (n, f), items after each layer.
        item_degrees: (n,), number of pairs of each item, or the sum of their weights in the graph.

    Returns:
        float32 (n, f), scaled by one factor to a mean magnitude of 1, which fits float16.
    """
    total = torch.stack(item_layers[:-1] or item_layers).sum(0).cpu()
    degrees = torch.from_numpy(np.where(item_degrees > 0, item_degrees, 1)).float()
    messages: Tensor = total / degrees.sqrt()[:, None]
    scaled: Tensor = messages / messages.abs().mean(dtype=torch.float64).float().clamp(min=1e-12)
    return scaled


def _half(values: Tensor) -> NDArray[np.float16]:
    return to_half_keeping_signs(values.numpy())


def _single(values: Tensor) -> NDArray[np.float32]:
    return np.asarray(values.numpy(), dtype=np.float32)
