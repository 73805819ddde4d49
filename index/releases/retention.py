"""Which releases a prune removes."""

from __future__ import annotations

from collections.abc import Sequence

from bitrecall.index.releases.reader import ReleaseIds, Summaries


def releases_to_remove(summaries: Summaries, candidates: Sequence[str], keep: int) -> ReleaseIds:
    """Return the ids of the releases to remove: all older than the newest ``keep`` good ones.

    The current release is kept. So is the first good candidate, and with ``keep`` above 1 the
    second, to which a rollback would return.

    Args:
        summaries: all releases, newest first.
        candidates: the releases that could be served, the best first.
        keep: how many good releases to keep, at least 0.
    """
    good = [summary.id for summary in summaries if summary.damage is None]
    kept = {*good[:keep], *(summary.id for summary in summaries if summary.current)}
    servable = [release_id for release_id in candidates if release_id in good]
    kept.update(servable[: 2 if keep > 1 else 1])
    ids = [summary.id for summary in summaries]
    oldest_kept = 0 if keep == 0 else len(ids)
    if 0 < keep <= len(good):
        oldest_kept = ids.index(good[keep - 1])
    return [release_id for release_id in ids[oldest_kept:] if release_id not in kept]
