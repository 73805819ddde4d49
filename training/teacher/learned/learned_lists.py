"""Lists of the learned teacher.

The recommenders of a ``ScorerSet`` and a ranker over their scores, after the stacking of Wolpert,
"Stacked Generalization", Neural Networks 5, 1992: the ranker learns which scores predict
interactions that the scorers have not seen. Two models are fitted, each on the held-out
interactions of half of the users, and lists of the users whose held-out interactions a model has
seen come from the other model. So no list is made by anything that has seen what it lists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from bitrecall.training.metrics import OUTSIDE
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.runtime.progress_bar import progress_bar
from bitrecall.training.teacher.learned.candidate_store import CandidateStore
from bitrecall.training.teacher.learned.candidates import (
    DEPTH,
    SUM,
    Candidates,
    candidates,
    feature_names,
    of_kinds,
)
from bitrecall.training.teacher.learned.fitted_ranker import fit_ranker
from bitrecall.training.teacher.learned.held_out import hold_out
from bitrecall.training.teacher.learned.ranker import Ranker
from bitrecall.training.teacher.learned.scorer_report import ScorerReport
from bitrecall.training.teacher.learned.scorer_set import ScorerSet
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from bitrecall.training.teacher.teacher_lists import TeacherLists

# The models of few users depend on which pairs were drawn, so they are fitted on several draws.
_FEW_USERS = 5_000
_DRAWS = 3


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
    seconds: float | None = None,
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
        seconds: about how long fitting the recommenders may take (``ScorerSet``); None has no
            limit. What each adds is measured if half of it is left.

    Raises:
        DivergedError: the loss of LightGCN is not finite.
    """
    fit = partial(_scorers, seed=seed, device=device, progress=progress, seconds=seconds)
    if ranker is not None:
        scorers = fit(edges, recipe, kinds=ranker.kinds, start=start)
        if set(scorers.seconds) == set(ranker.kinds):
            ranker = _with_more_draws(ranker, edges, recipe, seed, progress, fit)
            return LearnedLists(_lists(scorers, ranker, recipe.length, progress), ranker)
        del scorers
    if held_out is not None:
        scorers = fit(edges, recipe, start=start)
        kinds = _kinds_without_measuring(scorers, seconds)
        fitted = fit_ranker(scorers, held_out, recipe, seed=seed, progress=progress, kinds=kinds)
        lists = _lists(
            scorers, fitted.ranker, recipe.length, progress, fitted.model_of_user, fitted.kept
        )
        return LearnedLists(lists, fitted.ranker, fitted.reports)
    part, held_out = hold_out(edges, recipe.held_out, seed)
    scorers = fit(part, recipe, start=start)
    kinds = _kinds_without_measuring(scorers, seconds)
    fitted = fit_ranker(scorers, held_out, recipe, seed=seed, progress=progress, kinds=kinds)
    ranker, reports, start = fitted.ranker, fitted.reports, scorers.free
    del fitted, scorers  # the candidates and the models
    if ranker is None:
        return LearnedLists(_lists(fit(edges, recipe), None, recipe.length, progress), None)
    ranker = _with_more_draws(ranker, edges, recipe, seed, progress, fit)
    scorers = fit(edges, recipe.continued(), kinds=ranker.kinds, start=start)
    return LearnedLists(_lists(scorers, ranker, recipe.length, progress), ranker, reports)


def _kinds_without_measuring(scorers: ScorerSet, seconds: float | None) -> list[str] | None:
    """Return all kinds of scorers if there is no time to measure what each adds."""
    if seconds is None or sum(scorers.seconds.values()) <= seconds / 2:
        return None
    return list(scorers.seconds)


def _with_more_draws(
    ranker: Ranker,
    edges: EdgeList,
    recipe: TeacherRecipe,
    seed: int,
    progress: bool | None,
    fit: Callable[..., ScorerSet],
) -> Ranker:
    """Add models of other draws of held-out pairs if there are few users, unless there are some.

    If the order is known, the latest pairs are held out, and there is only one draw.
    """
    models = list(ranker.models)
    enough = len(models) >= 2 * _DRAWS
    if enough or edges.ages is not None or edges.n_users >= _FEW_USERS:
        return ranker
    while len(models) < 2 * _DRAWS:
        draw = seed + len(models)
        part, held_out = hold_out(edges, recipe.held_out, draw)
        scorers = fit(part, recipe, kinds=ranker.kinds)
        fitted = fit_ranker(
            scorers, held_out, recipe, seed=draw, progress=progress, kinds=ranker.kinds
        )
        if fitted.ranker is None:
            return ranker
        models += fitted.ranker.models
    return Ranker(models)


def _scorers(
    edges: EdgeList,
    recipe: TeacherRecipe,
    *,
    seed: int,
    device: torch.device | str,
    progress: bool | None,
    seconds: float | None,
    kinds: Collection[str] | None = None,
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
        seconds=seconds,
    )


def _lists(
    scorers: ScorerSet,
    ranker: Ranker | None,
    length: int,
    progress: bool | None,
    model_of_user: NDArray[np.int8] | None = None,
    kept: CandidateStore | None = None,
) -> TeacherLists:
    n_users, names = scorers.matrix.shape[0], feature_names(scorers)
    lists = TeacherLists.blank(n_users, length)
    blocks = candidates(scorers, max(length, DEPTH)) if kept is None else iter(kept)
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


def _bar(description: str, n_users: int, progress: bool | None) -> tqdm[Any]:
    return progress_bar(total=n_users, desc=description, unit=" users", progress=progress)
