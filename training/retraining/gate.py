"""The gate: compares a candidate with its parent on held-out pairs, and decides on publication."""

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
    """The mean of the differences, candidate minus parent, and its 95% bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """The decision of the gate and the metrics that it is based on.

    Attributes:
        passed: whether the candidate may be published.
        says: the reason, in one sentence.
        users: number of users with a held-out pair.
        pairs: number of held-out pairs.
        parent: mean metrics of the parent by name; without a parent, those of the popular list.
        candidate: mean metrics of the candidate by name.
        differences: candidate minus parent, by metric.
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
    train_pairs: Interactions,
    held_out: Interactions,
    settings: RetrainingSettings,
    seed: int,
) -> Verdict:
    """Compare the candidate with the parent on all users with a held-out pair.

    The candidate is refused if it is significantly worse by more than the margin, in the metric of
    the settings or in NDCG at the same cut-off: the 95% interval of the difference is below 0.
    Without a parent, both means have to be higher than those of the popular list.

    Args:
        parent: the release that is served; None before the first.
        candidate: a release of codes that were trained on ``train_pairs``.
        train_pairs: all pairs except the held-out ones.
        held_out: the pairs to predict, over the same vocabulary.
        settings: metric, margin, number of resamples.
        seed: seed of the bootstrap.
    """
    k = int(settings.gate_metric.partition("@")[2])
    ks = sorted({20, 50, k})
    after = score_users(candidate, train_pairs, held_out, ks)
    before = score_users(parent or candidate, train_pairs, held_out, ks, popular=parent is None)
    differences = {
        name: bootstrap(after[name] - before[name], settings.gate_resamples, seed) for name in after
    }
    parent_means = {name: float(values.mean()) for name, values in before.items()}
    means = {name: float(values.mean()) for name, values in after.items()}
    passed, says = decide(parent_means, means, differences, settings, k, parent is not None)
    n_users = len(next(iter(after.values())))
    return Verdict(passed, says, n_users, len(held_out), parent_means, means, differences)


def bootstrap(differences: NDArray[np.float64], resamples: int, seed: int) -> Interval:
    """Return the 95% percentile interval of the mean difference over users (Efron, 1979).

    Args:
        differences: float64 (b,), one per user, at least one.
        resamples: number of resamples of b users, drawn with replacement.
        seed: seed of the draws.
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
    after: Mapping[str, float],
    differences: Mapping[str, Interval],
    settings: RetrainingSettings,
    k: int,
    has_parent: bool,
) -> tuple[bool, str]:
    """Return whether the candidate may be published, and the reason.

    Args:
        before: mean metrics of the parent, or of the popular list.
        after: mean metrics of the candidate.
        differences: candidate minus parent, by metric.
        settings: the metric to compare, and the margin.
        k: cut-off of the metric.
        has_parent: whether ``before`` is the parent's; otherwise the popular list's.
    """
    name = settings.gate_metric
    than = "the parent" if has_parent else "the popular list"
    for metric in dict.fromkeys((name, f"ndcg@{k}")):
        change = differences[metric]
        if has_parent:
            worse = change.mean < -settings.gate_margin * before[metric] and change.high < 0
        else:
            worse = change.mean <= 0
        if worse:
            return False, (
                f"{metric} is {after[metric]:.4f}, and that of {than} {before[metric]:.4f}: "
                f"{change.mean:+.4f}, with 95% between {change.low:+.4f} and {change.high:+.4f}"
            )
    change = differences[name]
    return True, (
        f"{name} is {after[name]:.4f}, that of {than} {before[name]:.4f}: {change.mean:+.4f}, "
        f"with 95% between {change.low:+.4f} and {change.high:+.4f}"
    )
