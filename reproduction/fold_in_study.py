"""Compare folded-in codes of new users and items with trained codes.

As in every study on validation, a part of each user's training pairs is held out. The other pairs
are trained on or folded in. A tenth of the users and a tenth of the items are new. One recipe is
trained three times: on all pairs, without the pairs of new users, and without those of new items.
Then codes are folded in with the models that were trained without them:

- Each new user gets a code from 1, 2, 5, 10, 20 and all of its items, by
  ``bitrecall.index.fold_in.users`` and by LightGCN's plain sum. All of the user's items are left
  out of the recommendations, also those that were not folded in, so that all codes are compared on
  the same task.
- Each new item gets a code from 1, 2, 5, 10, 20 and all of its users, and is added to the catalogue
  at its rank of popularity. Recommendations are made for users in training. They are scored on all
  held-out pairs, where new items that displace better ones reduce the score, and on those of new
  items only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.items import ItemFoldIn
from bitrecall.index.fold_in.users import UserFoldIn, sum_rows
from bitrecall.index.releases.fold_in_map import RIDGE, FoldInMap
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.search.packing import pack_signs
from bitrecall.reproduction.fold_in_scorer import FoldInScorer
from bitrecall.reproduction.holdout_training import Trained, remove_pairs, train_without
from bitrecall.reproduction.trial import Measurement, Trial
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe import Recipe

COUNTS = (1, 2, 5, 10, 20, None)
_SHARE = 0.1
SPLIT_SEED = 0
_STREAM = 7


def fold_in_study(trial: Trial) -> list[Measurement]:
    """Train three times, or resume, and score every method of folding in.

    Raises:
        StudyError: the method gives no codes, or there are too few users or items to hold some out.
        InterruptedTraining: by a signal; call again to resume.
    """
    if trial.recipe.similarity != "hamming":
        raise StudyError(f"{trial.recipe.method} gives no codes: there is nothing to fold in")
    train = trial.dataset.train.compact()
    validation = trial.recipe.validation
    part, held_out = cut_validation(train, validation.share, SPLIT_SEED, validation.cut)
    generator = generator_of(trial.recipe)
    new_users = mark_tenth(part.user_degrees, generator)
    new_items = mark_tenth(part.item_degrees, generator)
    full = train_without(trial, part, "full")
    without_users = train_without(trial, remove_pairs(part, users=new_users), "users left out")
    without_items = train_without(trial, remove_pairs(part, items=new_items), "items left out")
    scorer = FoldInScorer(trial, part, held_out, generator)
    return [
        *_users(scorer, full, new_users, without_users),
        *_items(scorer, full, new_items, without_items),
    ]


def generator_of(recipe: Recipe) -> np.random.Generator:
    """Return the generator that draws new users and items, and the order of histories."""
    return np.random.default_rng([recipe.seed, _STREAM])


def _users(
    scorer: FoldInScorer, full: Trained, new: NDArray[np.bool_], without: Trained
) -> list[Measurement]:
    part, targets = scorer.part, scorer.held_out
    known = part.select(without.has_item[part.items])
    users = scorer.sample_users(new & (known.user_degrees > 0), targets)
    trained, codes = pack_signs(full.items), pack_signs(without.items)
    user_codes = pack_signs(full.users[users])
    outcomes = [scorer.score("user, trained", user_codes, users, trained, full.has_item, targets)]
    histories = shuffled(known, users, scorer.generator)
    messages, learned = learn_map(without, known)
    methods: dict[str, Callable[[Sequence[NDArray[np.integer[Any]]]], NDArray[np.uint8]]] = {
        "": UserFoldIn(messages, learned).codes,
        ", plain sum": lambda rows: pack_signs(sum_rows(messages, rows, "history")),
    }
    place = np.cumsum(without.has_item) - 1
    for count in COUNTS:
        known_rows = [place[rows[:count]] for rows in histories]
        for method, fold_in in methods.items():
            name = f"user, {_amount(count, 'item')}{method}"
            outcomes.append(
                scorer.score(name, fold_in(known_rows), users, codes, without.has_item, targets)
            )
    return outcomes


def learn_map(
    trained: Trained, known: Interactions, ridge: float = RIDGE
) -> tuple[NDArray[np.float32], FoldInMap]:
    """Return the messages of trained items, and the fold-in map learned from trained users.

    Args:
        trained: the trained model.
        known: pairs of the trained items, also of users who were left out.
        ridge: regularisation of the map.
    """
    messages, users = trained.messages[trained.has_item], trained.users[trained.has_user]
    place = np.cumsum(trained.has_item) - 1
    seen = RowLists.from_lists(
        place[known.items_of(user)] for user in np.flatnonzero(trained.has_user).tolist()
    )
    return messages, FoldInMap.fit(messages, users, seen, ridge)


def _items(
    scorer: FoldInScorer, full: Trained, new: NDArray[np.bool_], without: Trained
) -> list[Measurement]:
    part, held_out = scorer.part, scorer.held_out
    of_new = held_out.select(new[held_out.items])
    scopes = {
        "": (scorer.sample_users(without.has_user, held_out), held_out),
        ", new ones alone": (scorer.sample_users(without.has_user, of_new), of_new),
    }
    outcomes = []

    def score(
        name: str, model: Trained, codes: NDArray[np.uint8], listed: NDArray[np.bool_]
    ) -> None:
        for scope, (users, targets) in scopes.items():
            user_codes = pack_signs(model.users[users])
            outcomes.append(scorer.score(name + scope, user_codes, users, codes, listed, targets))

    score("item, trained", full, pack_signs(full.items), full.has_item)
    codes = pack_signs(without.items)
    score("item, left out", without, codes, without.has_item)
    catalogue = scorer.order[without.has_item[scorer.order]]
    fold_in = ItemFoldIn(
        without.users[without.has_user],
        part.select(~new[part.items]).user_degrees[without.has_user],
        codes[catalogue],
        part.item_degrees[catalogue],
    )
    # By item; users are rows among the trained users, because the fold-in has only those.
    known = _transposed(part.select(new[part.items] & without.has_user[part.users]))
    place = np.cumsum(without.has_user) - 1
    rows = np.flatnonzero(known.user_degrees)
    audiences = [place[users] for users in shuffled(known, rows, scorer.generator)]
    listed = without.has_item.copy()
    listed[rows] = True
    for count in COUNTS:
        known_users = [users[:count] for users in audiences]
        name = f"item, {_amount(count, 'user')}"
        codes[rows] = fold_in.codes(known_users)
        score(name, without, codes, listed)
        codes[rows] = pack_signs(fold_in.sums(known_users))
        score(f"{name}, plain sum", without, codes, listed)
    return outcomes


def mark_tenth(degrees: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Mark a random tenth of the rows that have a pair."""
    rows = np.flatnonzero(degrees)
    size = int(_SHARE * len(rows))
    if not size:
        raise StudyError(f"a tenth of {len(rows)} cannot be held out: the data set is too small")
    marked = np.zeros(len(degrees), bool)
    marked[generator.choice(rows, size, replace=False)] = True
    return marked


def shuffled(
    pairs: Interactions, users: NDArray[np.int64], generator: np.random.Generator
) -> Sequence[NDArray[np.int32]]:
    """Return the items of each user in random order; the first few are the known history."""
    return [generator.permutation(pairs.items_of(user)) for user in users]


def _transposed(pairs: Interactions) -> Interactions:
    """Return the pairs with users and items swapped."""
    order = np.lexsort((pairs.users, pairs.items))
    return Interactions(pairs.item_ids, pairs.user_ids, pairs.items[order], pairs.users[order])


def _amount(count: int | None, name: str) -> str:
    return f"all {name}s" if count is None else f"{count} {name}{'s' * (count > 1)}"
