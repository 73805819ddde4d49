"""What a teacher hands on: for every user its best unseen items, and what each of them weighs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.data.interactions import Interactions
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

# What a block of users may take beside the teacher itself.
_MAX_BYTES = 512 * 1024**2
# Matrices of float32 (block, n_items + n_users) alive at once, by measurement rounded up.
_MATRICES = 6


@dataclass(frozen=True)
class TeacherLists:
    """The best unseen items of each user.

    Attributes:
        items: int32 (n_users, length) item rows, best first, ended by ``OUTSIDE``.
        scores: float32 (n_users, length), the teacher's scores, descending; 0 past the end.
        counts: int64 (n_users,), how many items each list has.
        free: what was trained for the teacher; None where nothing was.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    counts: NDArray[np.int64]
    free: EmbeddingTables | None = None

    @classmethod
    def blank(cls, n_users: int, length: int) -> TeacherLists:
        """Lists without items."""
        return cls(
            np.full((n_users, length), OUTSIDE, dtype=np.int32),
            np.zeros((n_users, length), dtype=np.float32),
            np.zeros(n_users, dtype=np.int64),
        )

    @classmethod
    def of_tensors(cls, named: Mapping[str, Tensor]) -> TeacherLists:
        """What ``tensors`` gave, among others."""
        items, scores = (named[f"teacher.{name}"].cpu().numpy() for name in ("items", "scores"))
        free = None
        if "teacher.free.users" in named:
            free = EmbeddingTables(named["teacher.free.users"], named["teacher.free.items"])
        return cls(items, scores, (items != OUTSIDE).sum(axis=1), free)

    def tensors(self) -> dict[str, Tensor]:
        """All that the lists are, by name, for a checkpoint."""
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
    """What the positives of each user weigh in the loss.

    Attributes:
        listed: float32 (n_users, length), of the items of the list; 0 past its end.
        seen: float32 (n_users,), of each training pair of the user.
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
    """The teacher of a recipe.

    Args:
        matrix: float32 CSR (n_users, n_items), R.
        recipe: which teacher, and its settings.
        seed: of whatever is random in it.
        device: where its dense products run.
        progress: show a bar of what is trained, on stderr; None shows it only where stderr is a
            terminal.
        start: what was trained for an earlier teacher, in rows of ``matrix``.

    Raises:
        TrainingError: an exact EASE of this size needs too much memory.
        DivergedError: the loss of what is trained is no longer a number.
    """
    closed: Scorer
    if recipe.kind == "ease":
        closed = EaseScorer(matrix, recipe, seed=seed, device=device)
    else:
        closed = GraphFilterScorer(matrix, recipe, seed=seed, device=device)
    # Without pairs there is nothing to train, and nothing to list by.
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
    """Every user's best items among those it has no pair with.

    Args:
        pairs: the training pairs, items in descending popularity: equal scores go to the smaller
            row.
        recipe: which teacher, its settings, and how long a list is.
        seed: the same seed gives the same lists on the same device and number of threads.
        device: where the dense products run.
        progress: show a bar on stderr; None shows it only where stderr is a terminal.
        start: what was trained for an earlier teacher, in the rows of ``pairs``.

    Raises:
        TrainingError: an exact EASE of this size needs too much memory.
        DivergedError: the loss of what is trained for it is no longer a number.
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
    return replace(lists, free=teacher.free())


def block_users(n_users: int, n_items: int) -> int:
    """How many users to score at once, so that their scores stay within bounds."""
    return max(1, _MAX_BYTES // (4 * _MATRICES * max(n_users + n_items, 1)))


def unseen_scores(teacher: Scorer, matrix: sp.csr_matrix, users: NDArray[np.int64]) -> Tensor:
    """The teacher's scores, float32 (b, n_items), with −∞ for the items of the users' pairs."""
    scores = teacher.scores(users)
    seen = matrix[users].tocoo()
    places = torch.from_numpy(np.stack([seen.row, seen.col]).astype(np.int64)).to(scores.device)
    scores[places[0], places[1]] = -torch.inf
    return scores


def best_items(scores: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """The largest entries of each row, equal ones by ascending column.

    Args:
        scores: float32 (b, n); −∞ stands for an item that may not be listed.
        depth: how many to find.

    Returns:
        int64 (b, min(depth, n)) columns and float32 of the same shape, the entries, descending.
        Where fewer may be listed, the rest of the row's entries are −∞.
    """
    reach = min(depth, scores.shape[1])
    values, items = scores.topk(reach, dim=1)
    items, order = items.sort(dim=1)
    values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
    items = items.gather(1, order)
    if not reach:
        return items, values
    # topk takes any of several equal entries: where some were left out, the first must be in.
    lowest = values[:, -1:]
    crowded = ((scores >= lowest).sum(dim=1) > reach) & (lowest[:, 0] > -torch.inf)
    for row in crowded.nonzero()[:, 0].tolist():
        above = int((values[row] > lowest[row]).sum())
        items[row, above:] = (scores[row] == lowest[row]).nonzero()[: reach - above, 0]
    return items, values


def positive_weights(
    lists: TeacherLists, user_degrees: NDArray[np.integer], recipe: TeacherRecipe
) -> TeacherWeights:
    """Weights of the positives: the list's by discount, and a share for the pairs themselves.

    A user's weights sum to those of its list's discounts, whatever the share of its pairs.

    Args:
        lists: of all users.
        user_degrees: (n_users,), training pairs of each.
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
    whole = weights.sum(axis=1)
    return TeacherWeights(
        ((1 - recipe.pairs) * weights).astype(np.float32),
        (recipe.pairs * whole / np.maximum(user_degrees, 1)).astype(np.float32),
    )
