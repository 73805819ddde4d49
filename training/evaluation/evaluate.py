"""How good a release's answers are, asked through the release and the index that will be served.

A user known to the release is answered as the service answers: the code is made from the cached
embedding, the release's own backend searches it, and the items seen in training are left out. A
user that the release does not know is answered by the popular list, as in the service, and counts
in every mean, for that is what such a user gets.

Everything held out stays in the ground truth, also what cannot be hit: an item unknown to the
release, and an item the user had seen in training. Both are misses, and both are counted.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.releases.release import Release
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import EvaluationError
from bitrecall.training.evaluation.held_out_users import HeldOutUsers
from bitrecall.training.evaluation.ranked_lists import ranked_lists
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics
from bitrecall.training.runtime.progress_bar import progress_bar

DEFAULT_KS = (20, 50, 100)

# Places of ranked lists held at once: bounds the memory of a batch whatever the K.
_MAX_ENTRIES = 4_000_000

_NO_ITEMS = np.empty(0, np.int32)


@dataclass(frozen=True)
class EvaluationReport:
    """What an evaluation found, and on what it looked.

    Attributes:
        release: id of the release.
        split: name of the held-out interactions, such as "test".
        metrics: each measure by name and K, such as ``"recall@50"``; see
            ``bitrecall.training.metrics``.
        users: users with a held-out item, over whom the means are.
        unknown_users: those of them that the release does not know; they get the popular list.
        skipped_users: users without a held-out item, who are not counted.
        pairs: held-out interactions of the users.
        unknown_pairs: those of an item that the release does not know.
        seen_pairs: those that the release was trained on, and would not list again.
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
    """Measure the release's answers against the held-out interactions.

    Args:
        release: opened release; its backend does the searching.
        held_out: what users chose that training has not seen; ids are matched as strings.
        ks: the cut-offs K, from 1 up; a K beyond the catalogue gets lists of the whole catalogue.
        exclude_seen: leave out what a user had seen in training, as the service does by default.
        batch: users asked at once; fewer where a large K would take much memory.
        progress: show a bar on stderr; None shows it only where stderr is a terminal.
        split: what to call ``held_out`` in the report.
        bgch_depth: report bgch_ndcg@K too, its ideal list made of the hits in this many places
            (``bitrecall.training.metrics.BGCH_DEPTH`` as published); lists are made that long. None
            does not.

    Raises:
        EvaluationError: no user has a held-out item.
        ValueError: a cut-off or depth below 1, or no cut-off.
    """
    started = time.perf_counter()
    metrics = RankingMetrics(ks, release.n_items, release.popularity, bgch_depth=bgch_depth)
    question = HeldOutUsers.of(held_out, release.users, release.items)
    if not len(question.truth):
        raise EvaluationError(
            f"the {split} split holds no interactions: there is nothing to evaluate on"
        )
    encoder = UserEncoder(release)
    depth = metrics.depth
    seen_pairs = 0
    with progress_bar(
        total=len(question.truth),
        desc="evaluating",
        unit=" users",
        progress=progress,
    ) as bar:
        for users, truth in question.batches(max(1, min(batch, _MAX_ENTRIES // depth))):
            rows = [None if user == OUTSIDE else user for user in users.tolist()]
            seen = [_NO_ITEMS if row is None else release.seen[row] for row in rows]
            codes = encoder.encode_many(rows)
            metrics.update(
                ranked_lists(release, codes, depth, seen if exclude_seen else None), truth
            )
            seen_pairs += _count_seen(truth, seen, release.n_items)
            bar.update(len(users))
    return EvaluationReport(
        release=release.id,
        split=split,
        metrics=metrics.result(),
        users=metrics.users,
        unknown_users=int((question.users == OUTSIDE).sum()),
        skipped_users=held_out.n_users - metrics.users,
        pairs=len(question.truth.rows),
        unknown_pairs=int((question.truth.rows == OUTSIDE).sum()),
        seen_pairs=seen_pairs,
        seconds=time.perf_counter() - started,
    )


def _count_seen(truth: GroundTruth, seen: Sequence[NDArray[np.int32]], n_items: int) -> int:
    """Count the pairs of the ground truth that are also among the users' seen items."""
    counts = [len(rows) for rows in seen]
    owners = np.repeat(np.arange(len(seen), dtype=np.int64), counts)
    keys = owners * n_items + np.concatenate(seen)
    wanted = np.repeat(np.arange(len(truth), dtype=np.int64), truth.sizes) * n_items + truth.rows
    return int(np.isin(wanted[truth.rows != OUTSIDE], keys).sum())
