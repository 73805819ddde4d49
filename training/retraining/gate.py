"""Is the candidate worthy? It and its parent are asked the same, and the difference is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.release import Release
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.retraining.per_user_metrics import score_users
from bitrecall.training.retraining.settings import RetrainingSettings

_BLOCK = 64


@dataclass(frozen=True)
class Interval:
    """A mean difference, candidate less parent, and where 95% of its resamples lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """What the gate decided, and on what.

    Attributes:
        passed: whether the candidate may be published.
        says: why, in a sentence.
        users: how many were asked.
        pairs: how many held-out pairs they have.
        parent: its mean measures by name; those of the popular list where there is no parent.
        candidate: those of the candidate.
        differences: by measure.
    """

    passed: bool
    says: str
    users: int
    pairs: int
    parent: Mapping[str, float]
    candidate: Mapping[str, float]
    differences: Mapping[str, Interval]


def judge(
    parent: Release | None,
    candidate: Release,
    taken: Interactions,
    held_out: Interactions,
    settings: RetrainingSettings,
    seed: int,
) -> Verdict:
    """Ask both releases for lists of all users with a held-out pair, and compare.

    A candidate is refused that is worse by more than the margin, in the measure that decides or in
    NDCG at its cut-off, unless what it is worse by may be chance. Without a parent it is compared
    with the popular list, which any release has to beat.

    Args:
        parent: the release that is served.
        candidate: trained on ``taken``.
        taken: all pairs but those held out.
        held_out: what to find, over the same vocabulary.
        settings: measure, margin, resamples.
        seed: of the bootstrap.
    """
    k = int(settings.gate_metric.partition("@")[2])
    ks = sorted({20, 50, k})
    own = score_users(candidate, taken, held_out, ks)
    before = score_users(parent or candidate, taken, held_out, ks, popular=parent is None)
    differences = {
        name: bootstrap(own[name] - before[name], settings.gate_resamples, seed) for name in own
    }
    means = {name: float(values.mean()) for name, values in before.items()}
    found = {name: float(values.mean()) for name, values in own.items()}
    passed, says = decide(means, found, differences, settings, k, parent is not None)
    return Verdict(
        passed, says, len(next(iter(own.values()))), len(held_out), means, found, differences
    )


def bootstrap(differences: NDArray[np.float64], resamples: int, seed: int) -> Interval:
    """The percentile interval of the mean of users' differences (Efron, 1979).

    Args:
        differences: float64 (b,), one a user, at least one.
        resamples: how often b users are drawn with replacement.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    count = len(differences)
    means: list[NDArray[np.float64]] = []
    for start in range(0, resamples, _BLOCK):
        drawn = generator.integers(count, size=(min(_BLOCK, resamples - start), count))
        means.append(differences[drawn].mean(axis=1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Interval(float(differences.mean()), float(low), float(high))


def decide(
    before: Mapping[str, float],
    found: Mapping[str, float],
    differences: Mapping[str, Interval],
    settings: RetrainingSettings,
    k: int,
    has_parent: bool,
) -> tuple[bool, str]:
    """Whether a candidate may be published, and why.

    Args:
        before: mean measures of the parent, or of the popular list.
        found: those of the candidate.
        differences: by measure.
        settings: the measure that decides, and the margin.
        k: its cut-off.
        has_parent: whether there is a parent to be compared with.
    """
    name = settings.gate_metric
    than = "the parent" if has_parent else "the popular list"
    for measure in dict.fromkeys((name, f"ndcg@{k}")):
        change = differences[measure]
        if has_parent:
            worse = change.mean < -settings.gate_margin * before[measure] and change.high < 0
        else:
            worse = change.mean <= 0
        if worse:
            return False, (
                f"{measure} is {found[measure]:.4f}, and that of {than} {before[measure]:.4f}: "
                f"{change.mean:+.4f}, with 95% between {change.low:+.4f} and {change.high:+.4f}"
            )
    change = differences[name]
    return True, (
        f"{name} is {found[name]:.4f}, that of {than} {before[name]:.4f}: {change.mean:+.4f}, "
        f"with 95% between {change.low:+.4f} and {change.high:+.4f}"
    )
