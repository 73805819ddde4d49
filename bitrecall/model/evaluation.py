"""``Model.evaluate``: measure a release on held-out interactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bitrecall.errors import ArgumentError
from bitrecall.model.reading import read_held_out
from bitrecall.results import Evaluation
from bitrecall.training.evaluation.evaluate import evaluate

if TYPE_CHECKING:
    from bitrecall.index.releases.release import Release
    from bitrecall.model.reading import Events, ReadKeywords
    from bitrecall.training.data.interactions import Interactions

__all__ = ["evaluate_release"]


def evaluate_release(
    release: Release,
    test: Events | None,
    held_out: Interactions | None,
    ks: Sequence[int],
    *,
    exclude_seen: bool,
    progress: bool | None,
    reading: ReadKeywords,
) -> Evaluation:
    """Evaluate a release on ``test``, or else on the interactions that ``fit`` held out.

    The other arguments and the errors are those of ``Model.evaluate``.
    """
    if test is not None:
        held_out, split = read_held_out(test, reading, with_repeats=not exclude_seen)
    elif held_out is not None:
        split = "held out by fit"
    else:
        raise ArgumentError("no held-out interactions to evaluate on: pass test=", "test")
    report = evaluate(
        release, held_out, ks, exclude_seen=exclude_seen, progress=progress, split=split
    )
    return Evaluation(
        release_id=report.release,
        split=report.split,
        metrics=report.metrics,
        users=report.users,
        unknown_users=report.unknown_users,
        skipped_users=report.skipped_users,
        pairs=report.pairs,
        unknown_pairs=report.unknown_pairs,
        seen_pairs=report.seen_pairs,
        seconds=report.seconds,
    )
