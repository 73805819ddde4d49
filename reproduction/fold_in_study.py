"""Fold-in: codes for users and items that training has not seen, against what training gives them.

A part of each user's training pairs is there to be trained on or folded in, the rest is to be
found, as in every study on validation. A tenth of the users and a tenth of the items
are new. Three trainings of one recipe: with everything, without the new users' pairs, without the
new items' pairs. Then, with the codes of the trainings without them:

- each new user gets a code out of 1, 2, 5, 10, 20 and all of its items
  (``bitrecall.index.fold_in.users``,
  and the plain sum of LightGCN), and its list is made as if it were known: all its items are left
  out of it, also those not folded in, so that every code is asked the same question;
- each new item gets a code out of 1, 2, 5, 10, 20 and all of its users, joins the catalogue in its
  place of popularity, and lists are made for users that training knew. Once all held-out pairs are
  to be found, which new items that crowd out better ones make worse; once those of new items alone.
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
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import pack_signs
from bitrecall.reproduction.holdout_training import Trained, remove_pairs, train_without
from bitrecall.reproduction.trial import Measurement, Trial
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import StudyError
from bitrecall.training.evaluation.evaluate import DEFAULT_KS
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics
from bitrecall.training.recipe.recipe import Recipe

COUNTS = (1, 2, 5, 10, 20, None)
_SHARE = 0.1
SPLIT_SEED = 0
_STREAM = 7
_BATCH_USERS = 1024


def fold_in_study(trial: Trial) -> list[Measurement]:
    """Train three times, or go on training, and score every way of folding in.

    Raises:
        StudyError: the method gives no codes, or there are too few users or items to hold some out.
        InterruptedTraining: by a signal; call again to go on.
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
    question = Question(trial, part, held_out, generator)
    return [
        *_users(question, full, new_users, without_users),
        *_items(question, full, new_items, without_items),
    ]


def generator_of(recipe: Recipe) -> np.random.Generator:
    """What draws who and what is new, and of whose items some are known."""
    return np.random.default_rng([recipe.seed, _STREAM])


class Question:
    """What is asked: lists out of which codes, for whom, and what is to be found."""

    def __init__(
        self,
        trial: Trial,
        part: Interactions,
        held_out: Interactions,
        generator: np.random.Generator,
    ) -> None:
        recipe = trial.recipe
        self.part = part
        self.held_out = held_out
        self.generator = generator
        self.epochs = recipe.fit.epochs_to_run
        self._max_users = recipe.validation.users
        self.order = popularity_order(part)

    def asked(self, among: NDArray[np.bool_], wanted: Interactions) -> NDArray[np.int64]:
        """Rows of the users who have something to be found, as many as validation asks."""
        users = np.flatnonzero(among & (wanted.user_degrees > 0))
        if not len(users):
            raise StudyError(
                "nothing is left to be found of what is new: the data set is too small"
            )
        if len(users) > self._max_users:
            users = np.sort(self.generator.choice(users, self._max_users, replace=False))
        return users

    def score(
        self,
        variant: str,
        user_codes: NDArray[np.uint8],
        users: NDArray[np.int64],
        item_codes: NDArray[np.uint8],
        catalogue: NDArray[np.bool_],
        wanted: Interactions,
    ) -> Measurement:
        """Make a list for each of ``users``, its code in the same place, and look for ``wanted``.

        ``item_codes`` has a row an item of ``part``, of which those in ``catalogue`` are listed, in
        its order of popularity.
        """
        rows = self.order[catalogue[self.order]]
        place = np.full(self.part.n_items, OUTSIDE, np.int64)
        place[rows] = np.arange(len(rows))
        index = FlatBackend.build(item_codes[rows])
        metrics = RankingMetrics(DEFAULT_KS, len(rows), self.part.item_degrees[rows])
        depth = min(metrics.depth, len(rows))
        for start in range(0, len(users), _BATCH_USERS):
            batch = users[start : start + _BATCH_USERS]
            seen = [place[self.part.items_of(user)] for user in batch]
            _, ranked = index.search(
                user_codes[start : start + _BATCH_USERS], depth, [row[row >= 0] for row in seen]
            )
            ranked = np.pad(ranked, ((0, 0), (0, metrics.depth - depth)), constant_values=OUTSIDE)
            truth = GroundTruth.from_lists(place[wanted.items_of(user)] for user in batch)
            metrics.update(ranked, truth)
        return Measurement(metrics.result(), self.epochs, metrics.users, variant)


def _users(
    question: Question, full: Trained, new: NDArray[np.bool_], without: Trained
) -> list[Measurement]:
    part, wanted = question.part, question.held_out
    known = part.select(without.has_item[part.items])
    users = question.asked(new & (known.user_degrees > 0), wanted)
    trained, codes = pack_signs(full.items), pack_signs(without.items)
    own = pack_signs(full.users[users])
    outcomes = [question.score("user, trained", own, users, trained, full.has_item, wanted)]
    histories = shuffled(known, users, question.generator)
    messages, learned = learn_map(without, known)
    ways: dict[str, Callable[[Sequence[NDArray[np.integer[Any]]]], NDArray[np.uint8]]] = {
        "": UserFoldIn(messages, learned).codes,
        ", plain sum": lambda given: pack_signs(sum_rows(messages, given, "history")),
    }
    place = np.cumsum(without.has_item) - 1
    for count in COUNTS:
        given = [place[rows[:count]] for rows in histories]
        for way, fold_in in ways.items():
            name = f"user, {_amount(count, 'item')}{way}"
            own = fold_in(given)
            outcomes.append(question.score(name, own, users, codes, without.has_item, wanted))
    return outcomes


def learn_map(
    trained: Trained, known: Interactions, ridge: float = RIDGE
) -> tuple[NDArray[np.float32], FoldInMap]:
    """The messages of the items that training has seen, and the map learned of what it has seen.

    ``known`` has the pairs of those items, also of users who were left out.
    """
    messages, users = trained.messages[trained.has_item], trained.users[trained.has_user]
    place = np.cumsum(trained.has_item) - 1
    seen = RowLists.from_lists(
        place[known.items_of(user)] for user in np.flatnonzero(trained.has_user).tolist()
    )
    return messages, FoldInMap.fit(messages, users, seen, ridge)


def _items(
    question: Question, full: Trained, new: NDArray[np.bool_], without: Trained
) -> list[Measurement]:
    part, held_out = question.part, question.held_out
    of_new = held_out.select(new[held_out.items])
    asked = {
        "": (question.asked(without.has_user, held_out), held_out),
        ", new ones alone": (question.asked(without.has_user, of_new), of_new),
    }
    outcomes = []

    def ask(name: str, model: Trained, codes: NDArray[np.uint8], listed: NDArray[np.bool_]) -> None:
        for scope, (users, wanted) in asked.items():
            own = pack_signs(model.users[users])
            outcomes.append(question.score(name + scope, own, users, codes, listed, wanted))

    ask("item, trained", full, pack_signs(full.items), full.has_item)
    codes = pack_signs(without.items)
    ask("item, left out", without, codes, without.has_item)
    catalogue = question.order[without.has_item[question.order]]
    fold_in = ItemFoldIn(
        without.users[without.has_user],
        part.select(~new[part.items]).user_degrees[without.has_user],
        codes[catalogue],
        part.item_degrees[catalogue],
    )
    # By item, and in the rows of the users that training has seen: it was given no others.
    known = _transposed(part.select(new[part.items] & without.has_user[part.users]))
    place = np.cumsum(without.has_user) - 1
    rows = np.flatnonzero(known.user_degrees)
    audiences = [place[users] for users in shuffled(known, rows, question.generator)]
    listed = without.has_item.copy()
    listed[rows] = True
    for count in COUNTS:
        given = [users[:count] for users in audiences]
        name = f"item, {_amount(count, 'user')}"
        codes[rows] = fold_in.codes(given)
        ask(name, without, codes, listed)
        codes[rows] = pack_signs(fold_in.sums(given))
        ask(f"{name}, plain sum", without, codes, listed)
    return outcomes


def mark_tenth(degrees: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Mark a tenth, at random, of the rows that have a pair."""
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
    """The items of each user in a random order, of which the first few are what is known."""
    return [generator.permutation(pairs.items_of(user)) for user in users]


def _transposed(pairs: Interactions) -> Interactions:
    """The same pairs with users and items changed about."""
    order = np.lexsort((pairs.users, pairs.items))
    return Interactions(pairs.item_ids, pairs.user_ids, pairs.items[order], pairs.users[order])


def _amount(count: int | None, name: str) -> str:
    return f"all {name}s" if count is None else f"{count} {name}{'s' * (count > 1)}"
