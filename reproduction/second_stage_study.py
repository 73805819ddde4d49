"""Re-rank the nearest few hundred items by a second score.

The codes find candidates. A second score is added to the Hamming score, and both are standardised
over a user's candidates. The second scores are:

- the logarithm of the items' popularity;
- the inner product of the user's real-valued embedding and the items' codes, both in a release;
- item-item neighbours: the scores r_u P with the graph filter's P = ÃᵀÃ
  (``bitrecall.training.teacher``), with only the strongest entries of each row.

The weight of each second score is chosen on a random half of the users, and measured on the other
half.
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
    """The result of a second stage.

    Attributes:
        name: the second score and the number of re-ranked candidates.
        weight: chosen weight of the second score; the Hamming score has weight 1.
        metrics: on the half of the users that the weight was not chosen on.
        users: number of these users.
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
        embeddings: embeddings of the users and items of ``pairs``, in its rows.
        pairs: the training pairs, with items in descending popularity.
        held_out: the held-out pairs, over the same vocabulary.
        users: int64 rows of the users to evaluate, all with a held-out pair.
        recipe: the recipe, for the exponents of the neighbours and the seed.

    Returns:
        The results, the Hamming distance alone first.

    Raises:
        StudyError: there are fewer than two users.
    """
    if len(users) < 2:
        raise StudyError(f"a second stage needs at least 2 users to evaluate on, not {len(users)}")
    generator = np.random.default_rng([recipe.seed, _STREAM])
    chosen_on = np.zeros(len(users), bool)
    chosen_on[generator.choice(len(users), len(users) // 2, replace=False)] = True
    candidates = _Candidates(embeddings, pairs, held_out, users, recipe)
    ones = np.zeros(candidates.rows.shape, np.float32)
    alone = candidates.metrics(~chosen_on, ones, 1, 0.0)
    stages = [SecondStage("hamming alone", 0.0, alone, int((~chosen_on).sum()))]
    for name, scores in candidates.second_scores():
        for depth in DEPTHS:
            weight = max(
                WEIGHTS, key=lambda w: candidates.metrics(chosen_on, scores, depth, w)[_CHOSEN_BY]
            )
            metrics = candidates.metrics(~chosen_on, scores, depth, weight)
            stages.append(SecondStage(f"{name}, first {depth}", weight, metrics, stages[0].users))
    return stages


class _Candidates:
    """The nearest items of some users, which can be re-ranked.

    Attributes:
        rows: int64 (b, c) item rows by Hamming distance, padded with ``OUTSIDE``.
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
        self._targets = [held_out.items_of(user) for user in users]
        self._codes = pack_signs(embeddings.items.cpu().numpy())
        self._real = unit_magnitude(embeddings.users.cpu()).numpy()[users]
        index = FlatBackend.build(self._codes)
        seen = [pairs.items_of(user) for user in users]
        distances, rows = index.search(pack_signs(self._real), max(*DEPTHS, *DEFAULT_KS), seen)
        self.rows = rows.astype(np.int64)
        self._hamming = -distances.astype(np.float32)

    def second_scores(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Yield the name and values of each second score, float32 (b, c) like ``rows``."""
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
        self, selected: NDArray[np.bool_], scores: NDArray[np.float32], depth: int, weight: float
    ) -> dict[str, float]:
        """Return the metrics of the selected users (b,), with the first ``depth`` re-ranked."""
        rows = self.rows[selected]
        listed = rows[:, :depth] >= 0
        blended = _standardised(self._hamming[selected, :depth], listed)
        blended += weight * _standardised(scores[selected, :depth], listed)
        blended[~listed] = -np.inf
        order = np.argsort(-blended, axis=1, kind="stable")
        reranked = np.take_along_axis(rows[:, :depth], order, axis=1)
        ranked = np.concatenate([reranked, rows[:, depth:]], axis=1)
        metrics = RankingMetrics(DEFAULT_KS, self._pairs.n_items, self._pairs.item_degrees)
        targets = [self._targets[row] for row in np.flatnonzero(selected)]
        metrics.update(ranked, GroundTruth.from_lists(targets))
        return metrics.result()


def neighbour_scores(
    histories: sp.csr_matrix, neighbours: sp.csr_matrix, candidates: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the neighbour scores of candidates: entries of ``histories P``.

    Args:
        histories: float32 CSR (b, n), a 1 for each item of each history.
        neighbours: float32 CSR (n, n), P.
        candidates: int64 (b, c) item rows, padded with ``OUTSIDE``.

    Returns:
        float32 (b, c), 0 for ``OUTSIDE``.
    """
    scores = np.zeros(candidates.shape, np.float32)
    for start in range(0, len(scores), _BATCH_USERS):
        block = slice(start, start + _BATCH_USERS)
        votes = (histories[block] @ neighbours).toarray()
        scores[block] = np.take_along_axis(votes, np.maximum(candidates[block], 0), axis=1)
    scores[candidates == OUTSIDE] = 0
    return scores


def _standardised(scores: NDArray[np.float32], listed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scale the listed values of each row to mean 0 and deviation 1, or 0 if all are equal."""
    count = np.maximum(listed.sum(axis=1, keepdims=True), 1)
    centred = np.where(listed, scores, 0.0)
    centred -= centred.sum(axis=1, keepdims=True) / count
    centred[~listed] = 0
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    return np.asarray(centred / np.where(deviation > 1e-9, deviation, 1.0))
