"""Evaluates the recommendations of a release, computed with its own index.

Known users get the same recommendations as from the service: the code comes from the cached
embedding, the release's own backend searches it, and the items seen in training are excluded.
Users unknown to the release get the popular list, as in the service, and count in every mean.

The ground truth contains all held-out interactions, even those that cannot be hits: an item unknown
to the release, and, if seen items are excluded, an item that the user had seen in training. Both
are misses, and are counted.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.release import Release
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import EvaluationError
from bitrecall.training.evaluation.held_out_users import HeldOutUsers
from bitrecall.training.evaluation.ranked_batches import release_batches
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics
from bitrecall.training.runtime.progress_bar import progress_bar

DEFAULT_KS = (20, 50, 100)


@dataclass(frozen=True)
class EvaluationReport:
    """The metrics of an evaluation, and the size of its data.

    Attributes:
        release: id of the release.
        split: name of the held-out interactions, such as "test".
        metrics: each metric by name and K, such as ``"recall@50"``; see
            ``bitrecall.training.metrics``.
        users: number of users with a held-out item, over whom metrics are averaged.
        unknown_users: number of these users that the release does not know; they get the popular
            list.
        skipped_users: number of users without a held-out item, who are not counted.
        pairs: number of held-out interactions.
        unknown_pairs: number of these with an item that the release does not know.
        seen_pairs: number of these that are also training interactions, which are recommended only
            if seen items are not excluded.
        seconds: wall time.
    """

    release: str
    split: str
    metrics: dict[str, float]
    users: int
    unknown_users: int
    skipped_users: int
    pairs: int
    unknown_pairs: int
    seen_pairs: int
    seconds: float


def evaluate(
    release: Release,
    held_out: Interactions,
    ks: Sequence[int] = DEFAULT_KS,
    *,
    exclude_seen: bool = True,
    batch: int = 1024,
    progress: bool | None = False,
    split: str = "test",
    bgch_depth: int | None = None,
) -> EvaluationReport:
    """Evaluate the recommendations of a release on held-out interactions.

    Args:
        release: opened release; its own backend searches.
        held_out: interactions that were not in the training data, except repeated ones if seen
            items are not excluded; ids are matched as strings.
        ks: the cut-offs K, from 1 up; a K beyond the catalogue gets lists of the whole catalogue.
        exclude_seen: exclude the items that a user had seen in training, the service's default.
        batch: maximum number of users per batch; fewer if a large K needs much memory.
        progress: show a bar on stderr; None shows it only if stderr is a terminal.
        split: name of ``held_out`` in the report.
        bgch_depth: also report bgch_ndcg@K, with an ideal list of the hits in this many places
            (``bitrecall.training.metrics.BGCH_DEPTH`` as published); lists then have this length.
            None omits it.

    Raises:
        EvaluationError: no user has a held-out item.
        ValueError: a cut-off or depth is below 1, or there is no cut-off.
    """
    started = time.perf_counter()
    metrics = RankingMetrics(ks, release.n_items, release.popularity, bgch_depth=bgch_depth)
    held_out_users = HeldOutUsers.of(held_out, release.users, release.items)
    if not len(held_out_users.truth):
        raise EvaluationError(
            f"the {split} split holds no interactions: there is nothing to evaluate on"
        )
    depth = metrics.depth
    seen_pairs = 0
    with progress_bar(
        total=len(held_out_users.truth),
        desc="evaluating",
        unit=" users",
        progress=progress,
    ) as bar:
        for ranking in release_batches(
            release, held_out_users, depth, exclude_seen=exclude_seen, batch=batch
        ):
            metrics.update(ranking.ranked, ranking.truth)
            seen_pairs += _count_seen(ranking.truth, ranking.seen, release.n_items)
            bar.update(len(ranking.truth))
    return EvaluationReport(
        release=release.id,
        split=split,
        metrics=metrics.result(),
        users=metrics.users,
        unknown_users=int((held_out_users.users == OUTSIDE).sum()),
        skipped_users=held_out.n_users - metrics.users,
        pairs=len(held_out_users.truth.rows),
        unknown_pairs=int((held_out_users.truth.rows == OUTSIDE).sum()),
        seen_pairs=seen_pairs,
        seconds=time.perf_counter() - started,
    )


def _count_seen(truth: GroundTruth, seen: Sequence[NDArray[np.int32]], n_items: int) -> int:
    """Count the pairs of the ground truth that are also seen items of the user."""
    counts = [len(rows) for rows in seen]
    owners = np.repeat(np.arange(len(seen), dtype=np.int64), counts)
    keys = owners * n_items + np.concatenate(seen)
    expected = np.repeat(np.arange(len(truth), dtype=np.int64), truth.sizes) * n_items + truth.rows
    return int(np.isin(expected[truth.rows != OUTSIDE], keys).sum())
