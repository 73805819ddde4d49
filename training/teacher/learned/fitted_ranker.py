"""Fitting a ranker on the held-out pairs of users, and knowing whose each model has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.runtime.progress_bar import progress_bar
from bitrecall.training.teacher.learned.candidate_store import CandidateStore, RowBuffer
from bitrecall.training.teacher.learned.candidates import (
    DEPTH,
    Candidates,
    candidates,
    feature_names,
)
from bitrecall.training.teacher.learned.ranker import Ranker
from bitrecall.training.teacher.learned.scorer_report import ScorerReport
from bitrecall.training.teacher.learned.scorer_selection import Rows, select_scorers
from bitrecall.training.teacher.learned.scorer_set import ScorerSet
from bitrecall.training.teacher.normalised_pairs import interaction_matrix

# Rows that one model is fitted on, which bounds its time.
_MAX_ROWS = 400_000

# A model of fewer hits would rank by noise.
_MIN_HITS = 50

# Features that are kept in memory for the lists; without, they are computed again.
_MAX_KEPT_BYTES = 600 * 1024**2


@dataclass(frozen=True)
class FittedRanker:
    """A ranker, and for each user the model that has not seen the user's held-out pairs.

    Attributes:
        ranker: None if there are too few hits.
        model_of_user: int8 (n_users,).
        kept: the candidates of all users; None if they take too much memory.
        reports: what each kind of scorer cost and added; empty if that was not measured.
    """

    ranker: Ranker | None
    model_of_user: NDArray[np.int8]
    kept: CandidateStore | None
    reports: tuple[ScorerReport, ...] = ()


def fit_ranker(
    scorers: ScorerSet,
    held_out: EdgeList,
    recipe: TeacherRecipe,
    *,
    seed: int,
    progress: bool | None = False,
    kinds: Sequence[str] | None = None,
) -> FittedRanker:
    """Fit two models, each on the held-out pairs of half of the users.

    Args:
        scorers: the recommenders, fitted to pairs without ``held_out``.
        held_out: pairs of the same users and items.
        recipe: the length of the lists.
        seed: seed of the halves, of the rows and of the models.
        progress: whether to show a progress bar on stderr; None shows it only if stderr is a
            terminal.
        kinds: the kinds of scorers to use; None measures what each adds, and uses those that add
            something.
    """
    generator = np.random.default_rng(seed)
    n_users, n_items = scorers.matrix.shape
    depth = min(max(recipe.length, DEPTH), n_items)
    half = generator.integers(0, 2, n_users).astype(np.int8)
    positives = sp.csr_matrix(interaction_matrix(held_out).astype(bool))
    has_positives = np.diff(positives.indptr) > 0
    # All hits, and a share of the other candidates, which then weigh more.
    share = min(1.0, 2 * _MAX_ROWS / max(int(has_positives.sum()) * depth, 1))
    names = feature_names(scorers)
    size = n_users, depth, len(names)
    kept = CandidateStore(*size) if CandidateStore.size(*size) <= _MAX_KEPT_BYTES else None
    capacity = min(n_users * depth, 2 * _MAX_ROWS + positives.nnz)
    rows = [RowBuffer(capacity, len(names)) for _ in range(2)]
    with progress_bar(
        total=n_users, desc="teacher: ranker", unit=" users", progress=progress
    ) as bar:
        for block in candidates(scorers, depth):
            if kept is not None:
                kept.add(block)
            hits = _contains(positives, block)
            chosen = hits | (generator.random(hits.shape) < share)
            chosen &= np.arange(depth) < block.counts[:, None]
            chosen &= has_positives[block.users][:, None]
            for side, buffer in enumerate(rows):
                of_side = chosen & (half[block.users] == side)[:, None]
                buffer.add(block.features[of_side], hits[of_side])
            bar.update(len(block.users))
    halves = []
    for buffer in rows:
        hits = buffer.hits
        if min(int(hits.sum()), int((~hits).sum())) < _MIN_HITS:
            return FittedRanker(None, 1 - half, kept)
        weights = np.where(hits, 1, 1 / share).astype(np.float32)
        halves.append(Rows(buffer.features, hits, weights, int(has_positives.sum())))
    reports: tuple[ScorerReport, ...] = ()
    if kinds is None:
        added = select_scorers((halves[0], halves[1]), names, list(scorers.seconds), seed)
        kinds = list(added)
        reports = tuple(
            ScorerReport(kind, seconds, added.get(kind, 0.0), kind in added)
            for kind, seconds in scorers.seconds.items()
        )
    models = []
    for number, half_rows in enumerate(halves):
        selected, selected_names = half_rows.of_kinds(names, kinds)
        models.append(selected.fit(selected_names, seed + number))
    return FittedRanker(Ranker(models), 1 - half, kept, reports)


def _contains(pairs: sp.csr_matrix, block: Candidates) -> NDArray[np.bool_]:
    """Return whether each candidate is one of the user's pairs, bool (b, d)."""
    n_items = pairs.shape[1]
    of_block = pairs[block.users].tocoo()
    pair_keys = of_block.row.astype(np.int64) * n_items + of_block.col
    candidate_keys = np.arange(len(block.users))[:, None] * n_items + block.items
    return np.isin(candidate_keys, pair_keys)
