"""A second stage: the nearest few hundred by Hamming distance, put in a better order.

The codes find candidates and something small ranks them again, by its own score added to the
Hamming score, each first brought to mean 0 and deviation 1 over a user's candidates. Tried are

- the items' popularity, as its logarithm;
- the user's real-valued embedding against the items' codes, which a release holds already;
- item–item neighbours: how much the user's own items speak for a candidate, r_u P with the graph
  filter's P = ÃᵀÃ (``bitrecall.training.teacher``), of which only the strongest few of each row are
  kept.

How much each score weighs is chosen on one half of the users asked, at random, and all of them are
measured on the other half.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import pack_signs, unpack_signs
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import StudyError
from bitrecall.training.evaluation.evaluate import DEFAULT_KS
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics
from bitrecall.training.model.method import Embeddings
from bitrecall.training.model.signs import unit_magnitude
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.teacher.normalised_pairs import interaction_matrix, normalised
from bitrecall.training.teacher.pruned_gram import pruned_gram

DEPTHS = (100, 300)
NEIGHBOURS = (16, 32, 64)
WEIGHTS = (0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0)
_CHOSEN_BY = "recall@50"
_STREAM = 11
_BATCH_USERS = 512


@dataclass(frozen=True)
class SecondStage:
    """What one second stage found.

    Attributes:
        name: which, and how many candidates it was given.
        weight: of its score beside the Hamming score's 1, as chosen.
        metrics: on the half of the users that it was not chosen on.
        users: how many these are.
    """

    name: str
    weight: float
    metrics: dict[str, float]
    users: int


def second_stages(
    embeddings: Embeddings,
    pairs: Interactions,
    held_out: Interactions,
    users: NDArray[np.int64],
    recipe: Recipe,
) -> list[SecondStage]:
    """Try every second stage on the same codes.

    Args:
        embeddings: of the users and items of ``pairs``, in its rows.
        pairs: what was trained on, items in descending popularity.
        held_out: what is to be found, over the same vocabulary.
        users: int64, rows of the users to ask, who all have something to be found.
        recipe: names the backend, the exponents of the neighbours and the seed.

    Returns:
        First the Hamming distance alone.

    Raises:
        StudyError: there are fewer than two users to ask.
    """
    if len(users) < 2:
        raise StudyError(f"{len(users)} users are too few to choose on some and measure on others")
    generator = np.random.default_rng([recipe.seed, _STREAM])
    chosen_on = np.zeros(len(users), bool)
    chosen_on[generator.choice(len(users), len(users) // 2, replace=False)] = True
    candidates = _Candidates(embeddings, pairs, held_out, users, recipe)
    ones = np.zeros(candidates.rows.shape, np.float32)
    alone = candidates.metrics(~chosen_on, ones, 1, 0.0)
    found = [SecondStage("hamming alone", 0.0, alone, int((~chosen_on).sum()))]
    for name, scores in candidates.second_scores():
        for depth in DEPTHS:
            weight = max(
                WEIGHTS, key=lambda w: candidates.metrics(chosen_on, scores, depth, w)[_CHOSEN_BY]
            )
            metrics = candidates.metrics(~chosen_on, scores, depth, weight)
            found.append(SecondStage(f"{name}, first {depth}", weight, metrics, found[0].users))
    return found


class _Candidates:
    """The nearest items of some users, and how they may be ranked again.

    Attributes:
        rows: int64 (b, c) item rows by Hamming distance, ended by ``OUTSIDE``.
    """

    def __init__(
        self,
        embeddings: Embeddings,
        pairs: Interactions,
        held_out: Interactions,
        users: NDArray[np.int64],
        recipe: Recipe,
    ) -> None:
        self._pairs = pairs
        self._users = users
        self._teacher = recipe.teacher
        self._wanted = [held_out.items_of(user) for user in users]
        self._codes = pack_signs(embeddings.items.cpu().numpy())
        self._real = unit_magnitude(embeddings.users.cpu()).numpy()[users]
        index = FlatBackend.build(self._codes)
        seen = [pairs.items_of(user) for user in users]
        distances, rows = index.search(pack_signs(self._real), max(*DEPTHS, *DEFAULT_KS), seen)
        self.rows = rows.astype(np.int64)
        self._hamming = -distances.astype(np.float32)

    def second_scores(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Each second score by name, float32 (b, c), of the candidates in their places."""
        popularity = np.log(np.maximum(self._pairs.item_degrees, 1)).astype(np.float32)
        yield "popularity", popularity[self.rows]
        real = np.empty(self.rows.shape, np.float32)
        for start in range(0, len(real), _BATCH_USERS):
            block = slice(start, start + _BATCH_USERS)
            signs = unpack_signs(self._codes[self.rows[block].ravel()]).astype(np.float32)
            signs = signs.reshape(*self.rows[block].shape, -1)
            real[block] = np.einsum("bf,bcf->bc", self._real[block], signs)
        yield "real-valued user", real
        matrix = interaction_matrix(self._pairs)
        powers = self._teacher.user_power, self._teacher.item_power
        scaled = normalised(matrix, *powers)
        for count in NEIGHBOURS:
            neighbours = pruned_gram(scaled, count)
            votes = neighbour_scores(matrix[self._users], neighbours, self.rows)
            yield f"{count} neighbours", votes

    def metrics(
        self, asked: NDArray[np.bool_], scores: NDArray[np.float32], depth: int, weight: float
    ) -> dict[str, float]:
        """What the users marked in ``asked`` (b,) find, their first ``depth`` ranked again."""
        rows = self.rows[asked]
        listed = rows[:, :depth] >= 0
        blended = _standardised(self._hamming[asked, :depth], listed)
        blended += weight * _standardised(scores[asked, :depth], listed)
        blended[~listed] = -np.inf
        order = np.argsort(-blended, axis=1, kind="stable")
        again = np.take_along_axis(rows[:, :depth], order, axis=1)
        ranked = np.concatenate([again, rows[:, depth:]], axis=1)
        metrics = RankingMetrics(DEFAULT_KS, self._pairs.n_items, self._pairs.item_degrees)
        wanted = [self._wanted[row] for row in np.flatnonzero(asked)]
        metrics.update(ranked, GroundTruth.from_lists(wanted))
        return metrics.result()


def neighbour_scores(
    histories: sp.csr_matrix, neighbours: sp.csr_matrix, candidates: NDArray[np.int64]
) -> NDArray[np.float32]:
    """How much the items of a history speak for each candidate: entries of ``histories P``.

    Args:
        histories: float32 CSR (b, n), a 1 for each item of each history.
        neighbours: float32 CSR (n, n), P.
        candidates: int64 (b, c) item rows, ended by ``OUTSIDE``.

    Returns:
        float32 (b, c), 0 for ``OUTSIDE``.
    """
    found = np.zeros(candidates.shape, np.float32)
    for start in range(0, len(found), _BATCH_USERS):
        block = slice(start, start + _BATCH_USERS)
        votes = (histories[block] @ neighbours).toarray()
        found[block] = np.take_along_axis(votes, np.maximum(candidates[block], 0), axis=1)
    found[candidates == OUTSIDE] = 0
    return found


def _standardised(scores: NDArray[np.float32], listed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean 0 and deviation 1 over the listed places of each row; 0 where all are equal."""
    count = np.maximum(listed.sum(axis=1, keepdims=True), 1)
    centred = np.where(listed, scores, 0.0)
    centred -= centred.sum(axis=1, keepdims=True) / count
    centred[~listed] = 0
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    return np.asarray(centred / np.where(deviation > 1e-9, deviation, 1.0))
