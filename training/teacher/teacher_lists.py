"""The output of a teacher: the best unseen items of each user, and their weights in the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import TrainingError
from bitrecall.training.metrics import OUTSIDE
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.runtime.progress_bar import progress_bar
from bitrecall.training.teacher.blended import BlendedScorer
from bitrecall.training.teacher.ease import EaseScorer
from bitrecall.training.teacher.graph_filter import GraphFilterScorer
from bitrecall.training.teacher.lightgcn_scorer import LightGCNScorer
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from bitrecall.training.teacher.scorer import Scorer

# Memory for a block of users, besides the teacher itself.
_MAX_BYTES = 512 * 1024**2
# Number of float32 matrices (block, n_items + n_users) in memory at once: measured, rounded up.
_MATRICES = 6


@dataclass(frozen=True)
class TeacherLists:
    """The best unseen items of each user.

    Attributes:
        items: int32 (n_users, length) item rows, best first, padded with ``OUTSIDE``.
        scores: float32 (n_users, length), the teacher's scores, descending, padded with 0.
        counts: int64 (n_users,), number of items of each list.
        free: trained embeddings of the teacher; None for a closed form.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    counts: NDArray[np.int64]
    free: EmbeddingTables | None = None

    @classmethod
    def blank(cls, n_users: int, length: int) -> TeacherLists:
        """Return lists without items."""
        return cls(
            np.full((n_users, length), OUTSIDE, dtype=np.int32),
            np.zeros((n_users, length), dtype=np.float32),
            np.zeros(n_users, dtype=np.int64),
        )

    @classmethod
    def of_tensors(cls, named: Mapping[str, Tensor]) -> TeacherLists:
        """Create lists from the tensors that ``tensors`` returned; other tensors are ignored."""
        items, scores = (named[f"teacher.{name}"].cpu().numpy() for name in ("items", "scores"))
        free = None
        if "teacher.free.users" in named:
            free = EmbeddingTables(named["teacher.free.users"], named["teacher.free.items"])
        return cls(items, scores, (items != OUTSIDE).sum(axis=1), free)

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors of the lists by name, for a checkpoint."""
        tensors = {
            "teacher.items": torch.from_numpy(self.items),
            "teacher.scores": torch.from_numpy(self.scores),
        }
        if self.free is not None:
            tensors |= {
                f"teacher.free.{name}": value for name, value in self.free._asdict().items()
            }
        return tensors


@dataclass(frozen=True)
class TeacherWeights:
    """Weights of the positives in the loss.

    Attributes:
        listed: float32 (n_users, length), weights of the items of each list, padded with 0.
        seen: float32 (n_users,), weight of each training pair of the user.
    """

    listed: NDArray[np.float32]
    seen: NDArray[np.float32]


def scorer(
    matrix: sp.csr_matrix,
    recipe: TeacherRecipe,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    progress: bool | None = False,
    start: EmbeddingTables | None = None,
) -> Scorer:
    """Create the teacher of a recipe, and train it if it has a trained part.

    Args:
        matrix: float32 CSR (n_users, n_items), R.
        recipe: kind of teacher, and its settings.
        seed: seed of all random draws.
        device: device of the dense products.
        progress: whether to show a progress bar of training on stderr; None shows it only if
            stderr is a terminal.
        start: trained embeddings of an earlier teacher, in the rows of ``matrix``.

    Raises:
        TrainingError: exact EASE of this size needs too much memory.
        DivergedError: the loss of the trained part is not finite.
    """
    if recipe.kind == "learned":
        raise TrainingError(
            "the learned teacher ranks candidates, and scores no other items: "
            "set teacher.kind to filter or ease"
        )
    closed: Scorer
    if recipe.kind == "ease":
        closed = EaseScorer(matrix, recipe, seed=seed, device=device)
    else:
        closed = GraphFilterScorer(matrix, recipe, seed=seed, device=device)
    # Without pairs there is nothing to train on.
    if not recipe.lightgcn.weight or not matrix.nnz:
        return closed
    trained = LightGCNScorer(
        matrix, recipe.lightgcn, seed=seed, device=device, progress=progress, start=start
    )
    return BlendedScorer(closed, trained, recipe.lightgcn.weight)


def teacher_lists(
    pairs: Interactions | EdgeList,
    recipe: TeacherRecipe,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    progress: bool | None = False,
    start: EmbeddingTables | None = None,
) -> TeacherLists:
    """List the best unseen items of each user.

    Args:
        pairs: the training pairs, with items in descending popularity: of equal scores, the smaller
            row comes first.
        recipe: kind of teacher, its settings, and the length of the lists.
        seed: the same seed gives the same lists on the same device and number of threads.
        device: device of the dense products.
        progress: whether to show a progress bar on stderr; None shows it only if stderr is a
            terminal.
        start: trained embeddings of an earlier teacher, in the rows of ``pairs``.

    Raises:
        TrainingError: exact EASE of this size needs too much memory.
        DivergedError: the loss of the trained part is not finite.
    """
    matrix = interaction_matrix(pairs)
    n_users, n_items = matrix.shape
    lists = replace(
        TeacherLists.blank(n_users, recipe.length),
        counts=np.minimum(n_items - np.diff(matrix.indptr), recipe.length).astype(np.int64),
    )
    teacher = scorer(matrix, recipe, seed=seed, device=device, progress=progress, start=start)
    with progress_bar(
        total=n_users,
        desc="teacher",
        unit=" users",
        progress=progress,
    ) as bar:
        block = block_users(n_users, n_items)
        for first in range(0, n_users, block):
            users = np.arange(first, min(first + block, n_users))
            scores = unseen_scores(teacher, matrix, users)
            items, values = best_items(scores, recipe.length)
            reach = items.shape[1]
            listed = values > -torch.inf
            lists.items[users, :reach] = torch.where(listed, items, OUTSIDE).cpu().numpy()
            lists.scores[users, :reach] = torch.where(listed, values, 0).cpu().numpy()
            bar.update(len(users))
    return replace(lists, free=teacher.embedding_tables())


def block_users(n_users: int, n_items: int) -> int:
    """Return how many users to score at once within the memory limit."""
    return max(1, _MAX_BYTES // (4 * _MATRICES * max(n_users + n_items, 1)))


def unseen_scores(teacher: Scorer, matrix: sp.csr_matrix, users: NDArray[np.int64]) -> Tensor:
    """Return the teacher's scores, float32 (b, n_items), with −∞ for the users' training items."""
    scores = teacher.scores(users)
    seen = matrix[users].tocoo()
    places = torch.from_numpy(np.stack([seen.row, seen.col]).astype(np.int64)).to(scores.device)
    scores[places[0], places[1]] = -torch.inf
    return scores


def best_items(scores: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """Return the largest entries of each row; equal entries are in order of their columns.

    Args:
        scores: float32 (b, n); −∞ excludes an item.
        depth: number of entries to return.

    Returns:
        int64 (b, min(depth, n)) columns and float32 of the same shape, the entries, descending.
        If a row has fewer items that are not excluded, its last entries are −∞.
    """
    reach = min(depth, scores.shape[1])
    # One more entry shows whether equal entries were left out.
    longer, columns = scores.topk(min(reach + 1, scores.shape[1]), dim=1)
    items, order = columns[:, :reach].sort(dim=1)
    values, order = longer[:, :reach].gather(1, order).sort(dim=1, descending=True, stable=True)
    items = items.gather(1, order)
    if not reach or longer.shape[1] == reach:
        return items, values
    # topk returns any of several equal entries. If it left some out, choose the first columns.
    lowest = values[:, -1:]
    crowded = (longer[:, -1:] == lowest) & (lowest > -torch.inf)
    above = (values > lowest).sum(dim=1)
    for row in crowded.nonzero()[:, 0].tolist():
        equal = (scores[row] == lowest[row]).nonzero()[:, 0]
        items[row, above[row] :] = equal[: reach - above[row]]
    return items, values


def positive_weights(
    lists: TeacherLists, user_degrees: NDArray[np.integer], recipe: TeacherRecipe
) -> TeacherWeights:
    """Compute the weights of the positives: discounts of the lists, and a share for the pairs.

    The total weight of a user is the sum of its discounts, whatever the share of its pairs.

    Args:
        lists: lists of all users.
        user_degrees: (n_users,), number of training pairs of each user.
        recipe: ``discount``, its power, and ``pairs``.
    """
    places = np.arange(lists.items.shape[1])
    inside = places < lists.counts[:, None]
    if recipe.discount == "score":
        best = lists.scores.max(initial=0)
        shares = np.maximum(lists.scores, 0) / (best or 1)
        raw = np.where(shares > 0, shares**recipe.discount_power, 0)
    elif recipe.discount == "rank":
        raw = np.broadcast_to((1.0 + places) ** -recipe.discount_power, inside.shape)
    else:
        raw = np.broadcast_to(1 / np.log2(2 + places), inside.shape)
    weights = np.where(inside, raw, 0)
    totals = weights.sum(axis=1)
    return TeacherWeights(
        ((1 - recipe.pairs) * weights).astype(np.float32),
        (recipe.pairs * totals / np.maximum(user_degrees, 1)).astype(np.float32),
    )
