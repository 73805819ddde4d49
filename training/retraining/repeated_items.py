"""How often users took their items, after the events of a retraining run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.release import Release
from bitrecall.training.data.ages import ages_by_user
from bitrecall.training.export import SeenRepeats


def repeated_items(
    parent: Release | None,
    kept: NDArray[np.bool_],
    users: NDArray[np.integer[Any]],
    places: NDArray[np.integer[Any]],
    first_event: int,
    *,
    again: bool,
) -> SeenRepeats | None:
    """Add files and events to the counts of the parent, whose rates are kept.

    Args:
        parent: the release that is served; None before the first one.
        kept: bool (seen,), the parent's pairs that are trained on.
        users: (rows,), user of each row: pairs of the parent, of files, and events in their order.
        places: (rows,), the pair of each row.
        first_event: position of the first row that is an event.
        again: whether the events include those that the parent was trained on. Then the larger of
            both counts is taken, instead of their sum.

    Returns:
        The counts of all pairs; None if the parent has no repeats.
    """
    if parent is None or parent.repeats is None:
        return None
    if parent.seen_counts is None or parent.seen_decayed is None:
        return None
    rates, n_pairs, n_kept = parent.repeats, int(places.max(initial=-1)) + 1, int(kept.sum())
    counts, decayed = np.zeros(n_pairs, np.int64), np.zeros(n_pairs)
    # The files repeat pairs of the parent, whose counts are better known.
    counts[places[:first_event]] = decayed[places[:first_event]] = 1
    counts[places[:n_kept]] = parent.seen_counts[kept]
    decayed[places[:n_kept]] = parent.seen_decayed[kept]
    owners = np.zeros(n_pairs, np.int64)
    owners[places] = users
    senders, pairs = users[first_event:], places[first_event:]
    if not len(senders):
        return SeenRepeats(rates, counts, decayed)
    ages = ages_by_user(senders, np.arange(len(senders))).astype(np.float64)
    since = np.bincount(pairs, minlength=n_pairs)
    since_decayed = np.asarray(np.bincount(pairs, np.exp(-ages / rates.decay), n_pairs))
    if again:
        return SeenRepeats(rates, np.maximum(counts, since), np.maximum(decayed, since_decayed))
    sent = np.bincount(senders, minlength=int(owners.max()) + 1)
    aged = decayed * np.exp(-sent[owners] / rates.decay)
    return SeenRepeats(rates, counts + since, aged + since_decayed)
