"""Lists of the learned teacher.

The recommenders of a ``ScorerSet`` and a ranker over their scores, after the stacking of Wolpert,
"Stacked Generalization", Neural Networks 5, 1992: the ranker learns which scores predict
interactions that the scorers have not seen. Two models are fitted, each on the held-out
interactions of half of the users, and lists of the users whose held-out interactions a model has
seen come from the other model. So no list is made by anything that has seen what it lists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from bitrecall.training.metrics import OUTSIDE
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.runtime.progress_bar import progress_bar
from bitrecall.training.teacher.learned.candidates import (
    DEPTH,
    SUM,
    Candidates,
    candidates,
    feature_names,
    of_kinds,
)
from bitrecall.training.teacher.learned.held_out import hold_out
from bitrecall.training.teacher.learned.ranker import Ranker
from bitrecall.training.teacher.learned.scorer_report import ScorerReport
from bitrecall.training.teacher.learned.scorer_selection import Rows, select_scorers
from bitrecall.training.teacher.learned.scorer_set import KINDS, ScorerSet
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from bitrecall.training.teacher.teacher_lists import TeacherLists

# Rows that one model is fitted on, which bounds its time.
_MAX_ROWS = 400_000

# A model of fewer hits would rank by noise.
_MIN_HITS = 50

# Features that are kept in memory for the second pass; without, they are computed again.
_MAX_KEPT_BYTES = 600 * 1024**2


@dataclass(frozen=True)
class LearnedLists:
    """The lists of a learned teacher, and its ranker.

    Attributes:
        lists: the lists of all users, with probabilities of a hit as scores.
        ranker: the ranker; None if there were too few held-out interactions to fit one. Scores are
            then the mean of the recommenders' scores.
        scorers: what each kind of scorer cost and added to the ranker; empty without a new ranker.
    """

    lists: TeacherLists
    ranker: Ranker | None
    scorers: tuple[ScorerReport, ...] = ()


def learned_lists(
    edges: EdgeList,
    recipe: TeacherRecipe,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    progress: bool | None = False,
    held_out: EdgeList | None = None,
    ranker: Ranker | None = None,
    start: EmbeddingTables | None = None,
) -> LearnedLists:
    """Compute the lists of all users.

    Args:
        edges: the training pairs.
        recipe: settings of EASE and LightGCN, the share of pairs to hold out, and the lists'
            length.
        seed: the same seed gives the same lists on the same machine and number of threads.
        device: device of the dense products.
        progress: whether to show a progress bar on stderr; None shows it only if stderr is a
            terminal.
        held_out: pairs of the same users and items, not in ``edges``, to fit the ranker on. None
            holds out a part of ``edges``.
        ranker: a ranker of earlier lists; None fits one. One is also fitted if a scorer of the
            ranker is not available for these pairs: EASE past its number of items, or transitions
            without an order.
        start: free embeddings of an earlier LightGCN, in the rows of ``edges``.

    Raises:
        DivergedError: the loss of LightGCN is not finite.
    """
    fit = partial(_scorers, seed=seed, device=device, progress=progress)
    if ranker is not None:
        scorers = fit(edges, recipe, kinds=ranker.kinds, start=start)
        if set(scorers.seconds) == set(ranker.kinds):
            return LearnedLists(_lists(scorers, ranker, recipe.length, progress), ranker)
        del scorers
    if held_out is not None:
        scorers = fit(edges, recipe, start=start)
        fitted = _fit(scorers, held_out, recipe, seed, progress)
        lists = _lists(
            scorers, fitted.ranker, recipe.length, progress, fitted.model_of_user, fitted.kept
        )
        return LearnedLists(lists, fitted.ranker, fitted.reports)
    part, held_out = hold_out(edges, recipe.held_out, seed)
    scorers = fit(part, recipe, start=start)
    fitted = _fit(scorers, held_out, recipe, seed, progress)
    ranker, reports, start = fitted.ranker, fitted.reports, scorers.free
    del fitted, scorers  # the candidates and the models
    kinds = KINDS if ranker is None else ranker.kinds
    scorers = fit(edges, recipe.continued(), kinds=kinds, start=start)
    return LearnedLists(_lists(scorers, ranker, recipe.length, progress), ranker, reports)


@dataclass(frozen=True)
class _Fitted:
    """A ranker, and for each user the model that has not seen the user's held-out pairs.

    Attributes:
        ranker: None if there are too few hits.
        model_of_user: int8 (n_users,).
        kept: the candidates of all users; empty if they take too much memory.
        reports: what each kind of scorer cost and added; empty without a ranker.
    """

    ranker: Ranker | None
    model_of_user: NDArray[np.int8]
    kept: list[Candidates]
    reports: tuple[ScorerReport, ...] = ()


def _scorers(
    edges: EdgeList,
    recipe: TeacherRecipe,
    *,
    seed: int,
    device: torch.device | str,
    progress: bool | None,
    kinds: Collection[str] = KINDS,
    start: EmbeddingTables | None = None,
) -> ScorerSet:
    ages = None if edges.ages is None else edges.ages.cpu().numpy()
    return ScorerSet(
        interaction_matrix(edges),
        ages,
        recipe,
        seed=seed,
        device=device,
        progress=progress,
        kinds=kinds,
        start=start,
    )


def _fit(
    scorers: ScorerSet, held_out: EdgeList, recipe: TeacherRecipe, seed: int, progress: bool | None
) -> _Fitted:
    generator = np.random.default_rng(seed)
    n_users, n_items = scorers.matrix.shape
    depth = min(max(recipe.length, DEPTH), n_items)
    half = generator.integers(0, 2, n_users).astype(np.int8)
    positives = sp.csr_matrix(interaction_matrix(held_out).astype(bool))
    has_positives = np.diff(positives.indptr) > 0
    # All hits, and a share of the other candidates, which then weigh more.
    share = min(1.0, 2 * _MAX_ROWS / max(int(has_positives.sum()) * depth, 1))
    rows: list[list[tuple[NDArray[np.float32], NDArray[np.bool_]]]] = [[], []]
    kept: list[Candidates] = []
    with _bar("teacher: ranker", n_users, progress) as bar:
        for block in candidates(scorers, depth):
            _keep(kept, block, n_users)
            hits = _contains(positives, block)
            chosen = hits | (generator.random(hits.shape) < share)
            chosen &= np.arange(depth) < block.counts[:, None]
            chosen &= has_positives[block.users][:, None]
            for side in (0, 1):
                of_side = chosen & (half[block.users] == side)[:, None]
                rows[side].append((block.features[of_side], hits[of_side]))
            bar.update(len(block.users))
    halves = []
    for parts in rows:
        features = np.concatenate([part for part, _ in parts])
        hits = np.concatenate([part for _, part in parts])
        parts.clear()
        if min(int(hits.sum()), int((~hits).sum())) < _MIN_HITS:
            return _Fitted(None, 1 - half, kept)
        weights = np.where(hits, 1, 1 / share).astype(np.float32)
        halves.append(Rows(features, hits, weights, int(has_positives.sum())))
    names, kinds = feature_names(scorers), list(scorers.seconds)
    added = select_scorers((halves[0], halves[1]), names, kinds, seed)
    models = []
    for number, half_rows in enumerate(halves):
        selected, selected_names = half_rows.of_kinds(names, list(added))
        models.append(selected.fit(selected_names, seed + number))
    reports = tuple(
        ScorerReport(kind, seconds, added.get(kind, 0.0), kind in added)
        for kind, seconds in scorers.seconds.items()
    )
    return _Fitted(Ranker(models), 1 - half, kept, reports)


def _lists(
    scorers: ScorerSet,
    ranker: Ranker | None,
    length: int,
    progress: bool | None,
    model_of_user: NDArray[np.int8] | None = None,
    kept: list[Candidates] | None = None,
) -> TeacherLists:
    n_users, names = scorers.matrix.shape[0], feature_names(scorers)
    lists = TeacherLists.blank(n_users, length)
    blocks: Iterator[Candidates] = iter(kept) if kept else candidates(scorers, max(length, DEPTH))
    with _bar("teacher", n_users, progress) as bar:
        for block in blocks:
            scores = _probabilities(block, names, ranker, model_of_user)
            scores[np.arange(scores.shape[1]) >= block.counts[:, None]] = -np.inf
            order = np.lexsort((block.items, -scores))[:, :length]
            reach = order.shape[1]
            items = np.take_along_axis(block.items, order, 1)
            best = np.take_along_axis(scores, order, 1)
            listed = best > -np.inf
            lists.items[block.users, :reach] = np.where(listed, items, OUTSIDE)
            lists.scores[block.users, :reach] = np.where(listed, best, 0)
            lists.counts[block.users] = listed.sum(axis=1)
            bar.update(len(block.users))
    return replace(lists, free=scorers.free)


def _probabilities(
    block: Candidates,
    names: list[str],
    ranker: Ranker | None,
    model_of_user: NDArray[np.int8] | None,
) -> NDArray[np.float32]:
    users, depth, _ = block.features.shape
    if ranker is None:
        return np.maximum(block.features[:, :, names.index(SUM)], 0)
    selected, _ = of_kinds(block.features, names, ranker.kinds)
    width = selected.shape[-1]
    if model_of_user is None:
        return ranker.probabilities(selected.reshape(-1, width)).reshape(users, depth)
    scores = np.empty((users, depth), np.float32)
    for model in (0, 1):
        of_model = model_of_user[block.users] == model
        features = selected[of_model].reshape(-1, width)
        scores[of_model] = ranker.probabilities(features, model).reshape(-1, depth)
    return scores


def _keep(kept: list[Candidates], block: Candidates, n_users: int) -> None:
    """Keep a block if the blocks of all users fit in memory."""
    if block.features.nbytes // max(len(block.users), 1) * n_users <= _MAX_KEPT_BYTES:
        kept.append(block)


def _contains(pairs: sp.csr_matrix, block: Candidates) -> NDArray[np.bool_]:
    """Return whether each candidate is one of the user's pairs, bool (b, d)."""
    n_items = pairs.shape[1]
    of_block = pairs[block.users].tocoo()
    pair_keys = of_block.row.astype(np.int64) * n_items + of_block.col
    candidate_keys = np.arange(len(block.users))[:, None] * n_items + block.items
    return np.isin(candidate_keys, pair_keys)


def _bar(description: str, n_users: int, progress: bool | None) -> tqdm[Any]:
    return progress_bar(total=n_users, desc=description, unit=" users", progress=progress)
