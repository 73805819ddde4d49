"""How should the codes of new users be made of their items?

    python benchmarks/fold_in.py path/to/gowalla --set bits=128 --set loss.psi=2.5 \
        --set fit.epochs=10 --set fit.stop_after=10 --set teacher.lightgcn.weight=0

Trains once on what the study of fold-in trains on, without a tenth of the users, and makes codes
for those out of 1, 2, 5, 10, 20 and all of their items: the sum of their messages drawn towards the
mean user by each pull (index/user_fold_in.py), and mapped by a matrix that takes the sums of users
whom training has seen to their embeddings, fitted by ridge regression towards a multiple of the
identity, on all items of each or on some of them too. What is to be found is the last fifth of
each user's training pairs; the test split is not read.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from index.packing import pack_signs
from index.user_fold_in import UserFoldIn, sum_rows
from training.data.load import load_dataset
from training.data.split import cut_validation
from training.memory import keep_freed_memory
from training.recipe import load_recipe
from training.reproduction.fold_in_study import (
    COUNTS,
    SPLIT_SEED,
    Question,
    generator_of,
    shuffled,
    tenth,
)
from training.reproduction.left_out import leave_out, train_on
from training.reproduction.measures import Trial

PULLS = (0.0, 0.15, 0.25, 0.35, 0.4, 0.5, 0.7, 1.0)
RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
# How many items of each user a map is fitted on; None stands for all.
FITTED_ON: dict[str, tuple[int | None, ...]] = {"all": (None,), "some": (1, 2, 5, 10, 20, None)}


def main() -> None:
    """Train, try each way, print a table of Recall@50."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="gowalla")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--run", type=Path, default=Path("runs/fold-in"))
    given = parser.parse_args()
    keep_freed_memory()
    overrides = ["validation.share=0.2", "validation.cut=latest", *given.set]
    recipe = load_recipe(given.recipe, overrides)
    given.run.mkdir(parents=True, exist_ok=True)
    trial = Trial(load_dataset(given.data), recipe, given.run, progress_bar=None)
    train = trial.dataset.train.compact()
    cut = recipe.validation
    part, held_out = cut_validation(train, cut.share, SPLIT_SEED, cut.cut)
    generator = generator_of(recipe)
    new = tenth(part.user_degrees, generator)
    tenth(part.item_degrees, generator)
    without = train_on(trial, leave_out(part, users=new), "users left out")
    question = Question(trial, part, held_out, generator)
    known = part.select(without.has_item[part.items])
    users = question.asked(new & (known.user_degrees > 0), held_out)
    histories = shuffled(known, users, generator)
    codes = pack_signs(without.items)
    place = np.cumsum(without.has_item) - 1
    messages, embeddings = without.messages[without.has_item], without.users[without.has_user]
    seen = [place[known.items_of(user)] for user in np.flatnonzero(without.has_user)]
    print("| made by | " + " | ".join(str(count or "all") for count in COUNTS) + " |")
    print("|---" * (len(COUNTS) + 1) + "|")

    def row(name: str, make: Callable[[list[np.ndarray]], np.ndarray]) -> None:
        cells = []
        for count in COUNTS:
            own = make([place[rows[:count]] for rows in histories])
            found = question.score("", own, users, codes, without.has_item, held_out)
            cells.append(f"{found.metrics['recall@50']:.4f}".lstrip("0"))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)

    for pull in PULLS:
        row(f"pull {pull:g}", UserFoldIn(messages, embeddings, pull).codes)
    for fitted_on, counts in FITTED_ON.items():
        sums, targets = examples(messages, embeddings, seen, counts)
        for centred, ridge in product((True, False), RIDGES):
            mapped = Map(messages, sums, targets, ridge, centred=centred)
            row(f"map{', centred' if centred else ''}, {fitted_on}, {ridge:g}", mapped.codes)


def scaled_sums(messages: np.ndarray, histories: Sequence[np.ndarray]) -> np.ndarray:
    """The sum of the messages of each history over the root of its length, float64 (b, f)."""
    lengths = np.array([len(rows) for rows in histories], np.float64)
    return sum_rows(messages, histories, "history") / np.sqrt(lengths)[:, None]


def examples(
    messages: np.ndarray,
    embeddings: np.ndarray,
    seen: Sequence[np.ndarray],
    counts: Sequence[int | None],
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of so many items of each user, and the users' embeddings, once for each count."""
    generator = np.random.default_rng(0)
    shuffled_seen = [generator.permutation(rows) for rows in seen]
    sums = [scaled_sums(messages, [rows[:count] for rows in shuffled_seen]) for count in counts]
    return np.concatenate(sums), np.tile(embeddings.astype(np.float64), (len(counts), 1))


class Map:
    """Takes sums to embeddings: sgn(x W + b), W near a multiple of the identity.

    Centred, b takes the mean sum to the mean embedding; else it is 0, and W does what it can.
    """

    def __init__(
        self,
        messages: np.ndarray,
        sums: np.ndarray,
        targets: np.ndarray,
        ridge: float,
        *,
        centred: bool,
    ) -> None:
        self._messages = messages
        centre, middle = sums.mean(axis=0) * centred, targets.mean(axis=0) * centred
        x, y = sums - centre, targets - middle
        multiple = (x * y).sum() / np.square(x).sum()
        gram = x.T @ x
        pull = ridge * np.trace(gram) / len(gram) * np.eye(len(gram))
        self._matrix = np.linalg.solve(gram + pull, x.T @ y + multiple * pull)
        self._shift = middle - centre @ self._matrix

    def codes(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """One code a history, uint8 (b, f/8)."""
        return pack_signs(scaled_sums(self._messages, histories) @ self._matrix + self._shift)


if __name__ == "__main__":
    main()
