r"""Compare methods of making codes of new users from their items.

    python -m benchmarks.training.fold_in path/to/gowalla --set bits=128 --set loss.psi=2.5 \
        --set fit.epochs=10 --set fit.stop_after=10 --set teacher.lightgcn.weight=0

Trains once without a tenth of the users, and makes codes for these users from 1, 2, 5, 10, 20 and
all of their items: with the plain sum of messages, with the sum shrunk towards the mean user by a
constant over the root of the number of items, and with the learned map
(index/releases/fold_in_map.py), for several values of its ridge and its share
(index/fold_in/users.py). If the order of items is known, also from the newest 1, 2, 5, 10, 20 and
all items, all alike and with several decays (index/releases/recency.py). Measured on the last fifth
of each user's training interactions; the test split is not read.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from bitrecall.index.fold_in.users import UserFoldIn, sum_rows
from bitrecall.index.search.packing import pack_signs
from bitrecall.reproduction.fold_in_scorer import FoldInScorer
from bitrecall.reproduction.fold_in_study import (
    COUNTS,
    SPLIT_SEED,
    generator_of,
    learn_map,
    mark_tenth,
    shuffled,
)
from bitrecall.reproduction.holdout_training import remove_pairs, train_without
from bitrecall.reproduction.trial import Trial
from bitrecall.training.data.histories import histories
from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.split import cut_validation
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.runtime.allocator import keep_freed_memory

SHRINKAGES = (0.0, 0.15, 0.25, 0.4, 0.7)
RIDGES = (0.003, 0.03, 0.3)
SHARES = (1.0, 3.0, 10.0)
DECAYS = (None, 64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0)


def main() -> None:
    """Train, measure each method, print a table of Recall@50."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="gowalla")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--run", type=Path, default=Path("runs/fold-in"))
    arguments = parser.parse_args()
    keep_freed_memory()
    overrides = ["validation.share=0.2", "validation.cut=latest", *arguments.set]
    recipe = load_recipe(arguments.recipe, overrides)
    arguments.run.mkdir(parents=True, exist_ok=True)
    trial = Trial(load_dataset(arguments.data), recipe, arguments.run, progress_bar=None)
    train = trial.dataset.train.compact()
    cut = recipe.validation
    part, held_out = cut_validation(train, cut.share, SPLIT_SEED, cut.cut)
    generator = generator_of(recipe)
    new = mark_tenth(part.user_degrees, generator)
    mark_tenth(part.item_degrees, generator)
    without = train_without(trial, remove_pairs(part, users=new), "users left out")
    scorer = FoldInScorer(trial, part, held_out, generator)
    known = part.select(without.has_item[part.items])
    users = scorer.sample_users(new & (known.user_degrees > 0), held_out)
    in_random_order = shuffled(known, users, generator)
    codes = pack_signs(without.items)
    place = np.cumsum(without.has_item) - 1
    print("| method | " + " | ".join(str(count or "all") for count in COUNTS) + " |")
    print("|---" * (len(COUNTS) + 1) + "|")

    def row(
        name: str,
        make: Callable[[list[np.ndarray]], np.ndarray],
        taken: Sequence[np.ndarray] = in_random_order,
    ) -> None:
        cells = []
        for count in COUNTS:
            user_codes = make([place[rows[:count][::-1]] for rows in taken])
            measurement = scorer.score("", user_codes, users, codes, without.has_item, held_out)
            cells.append(f"{measurement.metrics['recall@50']:.4f}".lstrip("0"))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)

    messages = without.messages[without.has_item]
    embeddings = without.users[without.has_user]
    for shrinkage in SHRINKAGES:
        name = f"the sum, shrunk by {shrinkage:g}" if shrinkage else "the sum"
        row(name, ShrunkSum(messages, embeddings, shrinkage).codes)
    for ridge, share in product(RIDGES, SHARES):
        learned = UserFoldIn(*learn_map(without, known, ridge), share)
        row(f"with the map, ridge {ridge:g}, share {share:g}", learned.codes)
    if known.ages is None:
        return
    newest_first = [rows[::-1] for rows in histories(known, users.tolist(), generator)]
    for decay in DECAYS:
        name = "the newest" + (", all alike" if decay is None else f", decay {decay:g}")
        row(name, UserFoldIn(*learn_map(without, known), decay=decay).codes, newest_first)


class ShrunkSum:
    """The sum shrunk towards the mean user: sgn(Σ M_i / |M| + shrinkage · sqrt(|I|) · ē / |ē|)."""

    def __init__(self, messages: np.ndarray, embeddings: np.ndarray, shrinkage: float) -> None:
        mean = embeddings.mean(axis=0, dtype=np.float64)
        self._messages = messages
        self._towards = shrinkage * np.abs(messages).mean() * mean / np.abs(mean).mean()

    def codes(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """Return one code per history, uint8 (b, f/8)."""
        roots = np.sqrt([len(rows) for rows in histories])[:, None]
        return pack_signs(sum_rows(self._messages, histories, "history") + roots * self._towards)


if __name__ == "__main__":
    main()
