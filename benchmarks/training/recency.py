r"""Compare the codes of a release with and without its recency, on the test split.

    bitrecall train path/to/ml100k --releases releases
    python -m benchmarks.training.recency path/to/ml100k --releases releases

The split of DATA has to hold out each user's latest interactions. Three kinds of users are
measured: known users without items since the training; known users with the first half of their
test interactions as fresh items, and the others to be found; and unknown users, folded in from the
newest 1, 5, 10 and all of a known user's training items. Items that a user has are left out of the
lists, also training items that were not folded in, so that all codes are compared on the same task.
Codes are made by the rule of the service (index/fold_in/user_codes.py).
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.releases.recency import Recency, ages_of
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.histories import histories
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.load import load_dataset
from bitrecall.training.evaluation.ranked_lists import ranked_lists
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics

COUNTS = (1, 5, 10, None)
METRICS = ("recall@20", "recall@50", "ndcg@20")
_BATCH = 1024

Rows = Sequence[np.ndarray]


class RecencyTable:
    """Prints a row of metrics for each kind of user, without and with recency."""

    def __init__(self, release: Release, test: Interactions, recency: Recency) -> None:
        ordered = replace(release, manifest=replace(release.manifest, recency=recency))
        as_set = replace(release, manifest=replace(release.manifest, recency=None))
        self._release = release
        self._encoders = {
            "all items alike": UserEncoder(replace(as_set, leaning_codes=None)),
            "with recency": UserEncoder(ordered),
        }
        items = [release.items.row_of(text) for text in test.item_ids]
        rows = np.array([OUTSIDE if row is None else row for row in items], np.int64)
        users = np.flatnonzero(test.user_degrees)
        known = [(release.users.row_of(test.user_ids[user]), user) for user in users.tolist()]
        self.users = [row for row, _ in known if row is not None]
        # The order of equally old items is random: by row it would be that of popularity.
        generator = np.random.default_rng(0)
        in_release = [user for row, user in known if row is not None]
        self.targets = [rows[items] for items in histories(test, in_release, generator)]
        self.histories = [self._history(row, generator) for row in self.users]

    def print_all(self) -> None:
        """Print the table."""
        print("| user | codes | users | " + " | ".join(METRICS) + " |")
        print("|---" * (3 + len(METRICS)) + "|")
        nothing = [np.empty(0, np.int64)] * len(self.users)
        self.print_rows("known", self.users, nothing, self.targets)
        several = [place for place, rows in enumerate(self.targets) if len(rows) > 1]
        if several:
            half = [len(self.targets[place]) // 2 for place in several]
            self.print_rows(
                "known, half of the test is fresh",
                [self.users[place] for place in several],
                [self.targets[p][:count] for p, count in zip(several, half, strict=True)],
                [self.targets[p][count:] for p, count in zip(several, half, strict=True)],
            )
        for count in COUNTS:
            name = "all items" if count is None else f"{count} item{'s' * (count > 1)}"
            newest = [rows[-(count or len(rows)) :] for rows in self.histories]
            self.print_rows(f"unknown, {name}", self.users, newest, self.targets, known=False)

    def print_rows(
        self, name: str, users: list[int], items: Rows, targets: Rows, *, known: bool = True
    ) -> None:
        """Print the rows of a kind of user.

        Args:
            name: name of the kind.
            users: rows of users in the release.
            items: for each user the items beyond training or, if not known, of the history.
            targets: for each user the items to find.
            known: whether codes are made from the users' embeddings.
        """
        for codes, encoder in self._encoders.items():
            metrics = RankingMetrics((20, 50), self._release.n_items, self._release.popularity)
            for start in range(0, len(users), _BATCH):
                part = slice(start, start + _BATCH)
                rows = [row[row != OUTSIDE] for row in items[part]]
                owners = users[part]
                made = encoder.encode_many(owners if known else [None] * len(owners), rows)
                seen = [
                    np.union1d(self._release.seen[user], row)
                    for user, row in zip(owners, rows, strict=True)
                ]
                ranked = ranked_lists(self._release, made, metrics.depth, seen)
                metrics.update(ranked, GroundTruth.from_lists(targets[part]))
            values = metrics.result()
            cells = [f"{values[metric]:.4f}".lstrip("0") for metric in METRICS]
            print(f"| {name} | {codes} | {len(users):,} | {' | '.join(cells)} |", flush=True)

    def _history(self, user: int, generator: np.random.Generator) -> np.ndarray:
        """Return the training items of a user, the newest last."""
        release = self._release
        if release.seen_ages is None:
            raise SystemExit("the release does not know the order of its interactions")
        ages = ages_of(release.seen, release.seen_ages, user)
        ties = generator.permutation(len(ages))
        return release.seen[user][np.lexsort((ties, -ages.astype(np.int64)))]


def main() -> None:
    """Open the release, read the test split, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--releases", type=Path, default=Path("releases"))
    arguments = parser.parse_args()
    release = ReleaseStore(arguments.releases).open_current()
    dataset = load_dataset(arguments.data)
    if dataset.test is None or release.recency is None:
        raise SystemExit("the data have no test split, or the release has no recency")
    print(f"release {release.id}: {release.recency.describe()}\n")
    RecencyTable(release, dataset.test, release.recency).print_all()


if __name__ == "__main__":
    main()
