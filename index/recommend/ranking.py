"""Ranked items from the results of a search, or from the popular list."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.item_weights import item_weights
from bitrecall.index.fold_in.user_codes import CodeSource
from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.recommend.explanations import explain
from bitrecall.index.recommend.types import QueryOptions, RankedItems
from bitrecall.index.recommend.user_state import UserState
from bitrecall.index.releases.repeats import OwnItems


def nearest_items(
    catalogue: Catalogue,
    user_id: str | None,
    user: UserState,
    options: QueryOptions,
    distances: NDArray[np.int32],
    rows: NDArray[np.int64],
    own: OwnItems | None = None,
) -> RankedItems:
    """Return the recommendations for a user from a search.

    Args:
        catalogue: the items.
        user_id: id of the user; None for an anonymous user.
        user: the state of the user.
        options: the options of the request.
        distances: int32 (k,), of the search.
        rows: int64 (k,), of the search, padded with -1.
        own: the user's items in the list; None if they have no place of their own.
    """
    if len(rows) and rows[-1] < 0:
        valid = rows >= 0
        distances, rows = distances[valid], rows[valid]
    ranked = _ranked(catalogue, user_id, user, options, rows, distances.tolist(), user.source)
    if own is None or not options.explain:
        return ranked
    taken = dict(zip(own.rows.tolist(), own.counts.tolist(), strict=True))
    return ranked._replace(taken=[taken.get(row, 0) for row in rows.tolist()])


def popular_items(
    catalogue: Catalogue,
    user_id: str | None,
    user: UserState,
    options: QueryOptions,
    exclude: NDArray[np.int64],
    allowed: NDArray[np.bool_] | None,
) -> RankedItems:
    """Return the popular list as the recommendations for a user; degraded if the user has a code.

    Args:
        catalogue: the items.
        user_id: id of the user; None for an anonymous user.
        user: the state of the user.
        options: the options of the request.
        exclude: int64, rows to leave out.
        allowed: bool (n,), the items that may be listed; None for all.
    """
    rows = catalogue.popular(options.k, exclude, allowed)
    return _ranked(catalogue, user_id, user, options, rows, None, "popular")


def similar_items(
    catalogue: Catalogue, k: int, distances: NDArray[np.int32], rows: NDArray[np.int64]
) -> RankedItems:
    """Return the items similar to an item from a search.

    Args:
        catalogue: the items.
        k: how many items were requested.
        distances: int32 (k,), of the search.
        rows: int64 (k,), of the search, padded with -1.
    """
    valid = rows >= 0
    return RankedItems(
        user_id=None,
        k=k,
        item_ids=catalogue.ids_of(rows[valid]),
        distances=distances[valid].tolist(),
        bits=catalogue.release.bits,
        release_id=catalogue.release.id,
        source="codes",
    )


def _ranked(
    catalogue: Catalogue,
    user_id: str | None,
    user: UserState,
    options: QueryOptions,
    rows: NDArray[np.int64],
    distances: Sequence[int] | None,
    source: CodeSource,
) -> RankedItems:
    ranked = RankedItems(
        user_id=user_id,
        k=options.k,
        item_ids=catalogue.ids_of(rows),
        distances=distances,
        bits=catalogue.release.bits,
        release_id=catalogue.release.id,
        source=source,
        degraded=distances is None and user.code is not None,
    )
    if not options.explain:
        return ranked
    weighted = None
    if user.code is not None:
        weighted = item_weights(catalogue.release, user.row, user.newest)
    return ranked._replace(
        code=None if user.code is None else user.code.tobytes().hex(),
        item_codes=[code.tobytes().hex() for code in catalogue.codes_of(rows)],
        explanations=explain(catalogue, rows, user.latest(), weighted),
    )
