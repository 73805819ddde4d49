r"""Measure how codes rank the items that users take again, on generated habits.

    python -m benchmarks.training.repeat_consumption --set fit.epochs=10

Users and items are those of the sample. Each interaction of a user is, with probability --repeats,
a repetition: of one of the user's earlier interactions at random (so in proportion to counts), or,
as often, of a recent one (weights that fall to 1/e after 5 interactions). Otherwise it is an item
drawn by the user's tastes. The last fifth of the log is held out. Rows of the output are orders of
all items, of which the first 20 are evaluated on items that are new to the user, on repeated ones,
and on all held-out interactions:

- new items: the nearest codes without the user's items, as with ``"exclude_seen": true``;
- codes: the nearest codes;
- release: as with ``"exclude_seen": false``, by the repeats that training chose for the release;
- own by codes, own by count, own by recency, own by decayed count: the user's items in the order of
  their distances, counts, last interaction, or counts that decay to 1/e in --decay interactions;
  then the nearest other items;
- boosted: distances, less A + B log(decayed count) bits for the user's items;
- merged: the probability of a hit, of the user's items by bins of the decayed count, of the others
  by their rank.

A and B (the best of a grid, by NDCG) and the probabilities come from the last 15% of train, with
codes that were trained without it.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.errors import BitrecallError
from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import unpack_signs
from bitrecall.training.data.load import dataset_of
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.sample import sample_model
from bitrecall.training.evaluation.ranked_lists import lists_with_own_items, ranked_lists
from bitrecall.training.metrics import GroundTruth, RankingMetrics
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.training_options import TrainingOptions

K = 20
HELD_OUT = 0.2
CALIBRATION = 0.15
RECENT = 5.0
OFFSETS = (0.0, 10.0, 20.0, 30.0, 40.0, 60.0, 80.0)
SLOPES = (0.0, 5.0, 10.0, 15.0, 20.0)
RANKS = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144])


def habits(repeats: float, seed: int) -> pl.DataFrame:
    """Return a generated log, oldest first, in which users take items again."""
    model = sample_model()
    generator = np.random.default_rng(seed)
    n_users, n_items = model.weights.shape
    users, items, times = [], [], []
    for user in range(n_users):
        count = int(np.clip(generator.lognormal(4.0, 0.6), 12, 400))
        noise = generator.gumbel(size=n_items)
        new_items = iter(np.argsort(-np.log(model.weights[user]) - noise))
        history: list[int] = []
        for _ in range(count):
            if history and generator.random() < repeats:
                ages = np.arange(len(history))[::-1]
                recent = np.exp(-ages / RECENT) if generator.random() < 0.5 else np.ones(len(ages))
                history.append(history[generator.choice(len(ages), p=recent / recent.sum())])
            else:
                history.append(int(next(new_items)))
        users += [user] * count
        items += history
        times.append(np.sort(generator.uniform(0, 1, count)))
    table = pl.DataFrame(
        {"user_id": np.array(users), "item_id": np.array(items), "share": np.concatenate(times)}
    )
    return table.sort("share", maintain_order=True).select(
        pl.col("user_id").cast(pl.String),
        pl.col("item_id").cast(pl.String),
        timestamp=10**9 + pl.int_range(pl.len()) * 60,
    )


@dataclass(frozen=True)
class Scores:
    """What is known of users and items before the held-out interactions, in a release's rows.

    Attributes:
        near: float64 (m, n), minus the Hamming distances.
        counts: float64 (m, n), number of interactions.
        last: float64 (m, n), minus the age of the last interaction, in interactions.
        decayed: float64 (m, n), counts that decay with age.
        future: bool (m, n), held-out items.
    """

    near: NDArray[np.float64]
    counts: NDArray[np.float64]
    last: NDArray[np.float64]
    decayed: NDArray[np.float64]
    future: NDArray[np.bool_]

    @property
    def own(self) -> NDArray[np.bool_]:
        """The users' items."""
        return np.asarray(self.counts > 0)


def scores(release: Release, past: pl.DataFrame, future: pl.DataFrame, decay: float) -> Scores:
    """Look up distances, counts and ages of all users and items of a release."""
    codes = UserEncoder(release).encode_many(range(release.n_users)).codes
    dot = unpack_signs(codes).astype(np.float32) @ unpack_signs(release.item_codes).T
    near = (dot.astype(np.float64) - release.bits) / 2

    def rows(table: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        columns = [
            np.array([-1 if row is None else row for row in map(ids.row_of, table[name])])
            for ids, name in ((release.users, "user_id"), (release.items, "item_id"))
        ]
        known = (columns[0] >= 0) & (columns[1] >= 0)
        return columns[0][known], columns[1][known]

    users, items = rows(past)
    counts, decayed = np.zeros_like(near), np.zeros_like(near)
    by_user = np.argsort(users, kind="stable")
    ends = np.cumsum(np.bincount(users, minlength=len(near)))
    ages = np.empty(len(users))
    ages[by_user] = ends[users[by_user]] - 1 - np.arange(len(users))
    np.add.at(counts, (users, items), 1)
    np.add.at(decayed, (users, items), np.exp(-ages / decay))
    last = np.full_like(near, -np.inf)
    np.maximum.at(last, (users, items), -ages)
    held_out = np.zeros(near.shape, np.bool_)
    held_out[rows(future)] = True
    return Scores(near, counts, last, decayed, held_out)


def rank_of_others(known: Scores) -> NDArray[np.int64]:
    """Return the rank of each item among the user's other items, from 1, int64 (m, n)."""
    order = np.argsort(np.where(known.own, np.inf, -known.near), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
    return ranks


def merged(known: Scores, fitted: Scores) -> NDArray[np.float64]:
    """Return the probability that an item is taken, with frequencies of other interactions."""
    bins = np.unique(np.quantile(fitted.decayed[fitted.own], np.linspace(0, 1, 21)[1:-1]))
    probabilities = np.zeros_like(known.near)
    active = np.asarray(fitted.future.any(axis=1))
    for own, values, fitted_values, edges in (
        (True, known.decayed, fitted.decayed, bins),
        (False, rank_of_others(known), rank_of_others(fitted), RANKS),
    ):
        chosen = (fitted.own if own else ~fitted.own) & active[:, None]
        groups = np.digitize(fitted_values[chosen], edges)
        hits = np.bincount(groups, fitted.future[chosen], minlength=len(edges) + 1)
        rates = hits / np.maximum(np.bincount(groups, minlength=len(edges) + 1), 1)
        members = known.own if own else ~known.own
        # Within a group, the better value first.
        better = values[members] if own else -values[members]
        finer = 1e-9 * better / np.abs(better).max()
        probabilities[members] = rates[np.digitize(values[members], edges)] + finer
    return probabilities


def boosted(known: Scores, offset: float, slope: float) -> NDArray[np.float64]:
    """Return minus the distances in bits, plus the boost of the user's items."""
    boost = offset + slope * np.log(np.where(known.own, known.decayed, 1.0))
    return np.where(known.own, known.near + boost, known.near)


def published(release: Release) -> NDArray[np.float64]:
    """Return minus the rank in the lists that the release gives with ``"exclude_seen": false``."""
    values = np.full((release.n_users, release.n_items), -np.inf)
    users = range(release.n_users)
    codes = UserEncoder(release).encode_many(users)
    if release.repeats is None:
        lists = ranked_lists(release, codes, K)
    else:
        own = [release.own_items(user) for user in users]
        lists = lists_with_own_items(release, codes, K, own, release.repeats)
    np.put_along_axis(values, lists, -np.arange(K, dtype=np.float64)[None, :], axis=1)
    return values


def best_boost(fitted: Scores, popularity: NDArray[np.int64]) -> tuple[float, float]:
    """Return the offset and the slope with the highest NDCG on all held-out interactions."""

    def ndcg(boost: tuple[float, float]) -> float:
        return metrics(boosted(fitted, *boost), fitted.future, popularity)[f"ndcg@{K}"]

    return max(itertools.product(OFFSETS, SLOPES), key=ndcg)


def metrics(
    values: NDArray[np.float64], truth: NDArray[np.bool_], popularity: NDArray[np.int64]
) -> dict[str, float]:
    """Rank items by descending value, and compare the lists with the held-out items."""
    measured = RankingMetrics((K,), values.shape[1], popularity)
    ranked = np.argsort(-values, axis=1, kind="stable")[:, :K]
    ranked = np.where(np.take_along_axis(values, ranked, axis=1) > -np.inf, ranked, -1)
    measured.update(ranked, GroundTruth.from_lists(np.flatnonzero(row) for row in truth))
    return measured.result()


def train(past: pl.DataFrame, overrides: Sequence[str], folder: Path) -> Release:
    """Train on a table, and return the release."""
    dataset = dataset_of(past, ReadOptions(split=Split.NONE))
    pipeline = TrainingPipeline(
        dataset, load_recipe("default", overrides), TrainingOptions(folder / "run", fresh=True)
    )
    return pipeline.publish(ReleaseStore(folder / "releases")).release


def main() -> None:
    """Generate, train twice and print a row for each order."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=float, default=0.6, help="share of repetitions")
    parser.add_argument("--decay", type=float, default=20.0, help="interactions until 1/e")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    log = habits(arguments.repeats, arguments.seed)
    past, future = log[: round(len(log) * (1 - HELD_OUT))], log[round(len(log) * (1 - HELD_OUT)) :]
    n_fit = round(len(past) * (1 - CALIBRATION))
    with TemporaryDirectory() as folder:
        release = train(past, arguments.overrides, Path(folder))
        known = scores(release, past, future, arguments.decay)
        popularity = np.array(release.popularity)
        fit_release = train(past[:n_fit], arguments.overrides, Path(folder))
        fitted = scores(fit_release, past[:n_fit], past[n_fit:], arguments.decay)
    own, near = known.own, known.near
    boost = best_boost(fitted, np.array(fit_release.popularity))
    print(
        f"{len(log):,} interactions, {int(own.sum()):,} pairs in train; held out per user: "
        f"{(known.future & ~own).sum(1).mean():.1f} new items, "
        f"{(known.future & own).sum(1).mean():.1f} repeated"
    )
    if release.repeats is not None:
        print(release.repeats.describe())
    orders = {
        "new items": np.where(own, -np.inf, near),
        "codes": near,
        "release": published(release),
        "own by codes": near + 1e6 * own,
        "own by count": np.where(own, 1e6 + known.counts, near),
        "own by recency": np.where(own, 1e6 + known.last, near),
        "own by decayed count": np.where(own, 1e6 + known.decayed, near),
        f"boosted, A = {boost[0]:g}, B = {boost[1]:g}": boosted(known, *boost),
        "merged": merged(known, fitted),
    }
    truths = {"new": known.future & ~own, "repeated": known.future & own, "all": known.future}
    columns = [(truth, name) for truth in truths for name in (f"recall@{K}", f"ndcg@{K}")]
    print("| order | " + " | ".join(f"{truth} {name}" for truth, name in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for order, values in orders.items():
        results = {truth: metrics(values, mask, popularity) for truth, mask in truths.items()}
        cells = " | ".join(f"{results[truth][name]:.4f}" for truth, name in columns)
        print(f"| {order} | {cells} |")


if __name__ == "__main__":
    try:
        main()
    except BitrecallError as error:
        sys.exit(f"error: {error}")
