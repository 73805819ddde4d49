"""How far should the codes of new users be drawn towards the mean user?

    python benchmarks/fold_in.py path/to/gowalla --set bits=128 --set loss.psi=2.5 \
        --set fit.epochs=10 --set fit.stop_after=10 --set teacher.lightgcn.weight=0

Trains once on what the study of fold-in trains on, without a tenth of the users, and makes codes
for those out of 1, 2, 5, 10, 20 and all of their items with each pull (index/user_fold_in.py).
What is to be found is the last fifth of each user's training pairs; the test split is not read.
"""

import argparse
from pathlib import Path

import numpy as np

from index.packing import pack_signs
from index.user_fold_in import UserFoldIn
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


def main() -> None:
    """Train, sweep, print a table of Recall@50."""
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
    print(
        "| pull | " + " | ".join("all" if count is None else str(count) for count in COUNTS) + " |"
    )
    print("|---" * (len(COUNTS) + 1) + "|")
    for pull in PULLS:
        fold_in = UserFoldIn(
            without.messages[without.has_item], without.users[without.has_user], pull
        )
        cells = []
        for count in COUNTS:
            own = fold_in.codes([place[rows[:count]] for rows in histories])
            found = question.score("", own, users, codes, without.has_item, held_out)
            cells.append(f"{found.metrics['recall@50']:.4f}".lstrip("0"))
        print(f"| {pull:g} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
