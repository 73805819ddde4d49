"""The training of codes: encoder, loss and batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor

from bitrecall.training.errors import TrainingError
from bitrecall.training.hashing.batches import Batches
from bitrecall.training.hashing.list_batches import ListBatches
from bitrecall.training.hashing.pair_batches import PairBatches
from bitrecall.training.model.encoder import ItemSums, LightGCN
from bitrecall.training.model.gradient_method import GradientMethod
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.initialisation import random_start, spectral_start
from bitrecall.training.model.losses.pairs import Sample
from bitrecall.training.model.losses.registry import ranking_loss
from bitrecall.training.model.method import Embeddings, EmbeddingTables
from bitrecall.training.model.signs import sign_estimator
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup
from bitrecall.training.teacher.teacher_lists import TeacherLists, positive_weights, teacher_lists

# Names of the embedding tables that a later training can start from.
CODES: Final = "codes"
TEACHER: Final = "teacher"


class HashingMethod(GradientMethod[LightGCN | ItemSums]):
    """Methods ``bitrecall`` and ``proposed``: codes that rank a teacher's lists, or the pairs.

    ``state`` contains everything that is needed to resume.

    Args:
        edges: the training pairs of all users; training runs on their device.
        recipe: all hyper-parameters.
        start: whether to compute the teacher's lists and the initial embeddings; False if a state
            will be loaded.
        progress: whether to show a progress bar of the teacher on stderr; None shows it only if
            stderr is a terminal.
        warm: embedding tables of an earlier training to start from, in the rows of ``edges``.
        held_out: pairs of the same users and items to fit a learned teacher's ranker on; None holds
            out a part of ``edges``.
        ranker_models: the ranker of an earlier teacher; empty fits one.
        teacher_seconds: about how long the scorers of a learned teacher may take; None takes all.
        group: the processes that train together, including this one.
    """

    def __init__(
        self,
        edges: EdgeList,
        recipe: Recipe,
        *,
        start: bool = True,
        progress: bool | None = False,
        warm: Mapping[str, EmbeddingTables] | None = None,
        held_out: EdgeList | None = None,
        ranker_models: Sequence[str] = (),
        teacher_seconds: float | None = None,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        recipe = recipe.for_users(int((edges.user_starts.diff() > 0).sum()))
        super().__init__(recipe, edges.n_users, group)
        self.ranker_models = tuple(ranker_models)
        self._edges = edges.share_of(group)
        self._degrees = edges.user_starts.diff().cpu()
        self._lists: TeacherLists | None = None
        if recipe.method == "bitrecall":
            if start:
                self._lists, self.ranker_models, self.scorers = group.broadcast_from_first(
                    lambda: _lists(
                        edges, recipe, progress, warm, held_out, self.ranker_models, teacher_seconds
                    )
                )
            else:
                self._lists = TeacherLists.blank(edges.n_users, recipe.teacher.length)
        self._batches = self._make_batches()
        self._loss = ranking_loss(recipe.loss)
        users, items = (
            group.broadcast_from_first(lambda: _start(edges, recipe, warm))
            if start
            else _blank(edges, recipe)
        )
        users = self._local_users("users", users)
        self._set_model(
            ItemSums(users, items)
            if recipe.encoder.name == "item_sums"
            else LightGCN(users, items, recipe.encoder.layers, group)
        )

    @property
    def steps(self) -> int:
        """Number of steps per epoch."""
        return len(self._batches)

    def state(self) -> dict[str, Tensor]:
        """Return the state, and the teacher's lists, which take minutes to compute."""
        lists = {} if self._lists is None else self._lists.tensors()
        return super().state() | lists

    def embedding_tables(self) -> dict[str, EmbeddingTables]:
        """Return the free embeddings of the codes and, if it has any, of the teacher."""
        tables = {CODES: EmbeddingTables(**self.parameters())}
        if self._lists is not None and self._lists.free is not None:
            tables[TEACHER] = self._lists.free
        return tables

    def load(self, state: dict[str, Tensor], *, epoch: int, step: int) -> None:
        """Resume from a saved state and position."""
        if self._lists is not None:
            self._lists = TeacherLists.of_tensors(state)
            self._batches = self._make_batches()
        super().load(state, epoch=epoch, step=step)

    def _loss_of_step(self) -> Tensor:
        batch = self._batches.batch(self.epoch, self.step)
        users, items = self.model.of_batch(batch.graph, batch.users)
        sign = sign_estimator(self.recipe.sign, self.progress, exact=self._loss.exact)
        return self._loss(
            sign(users),
            sign(items),
            batch.positives,
            batch.excluded,
            batch.weights,
            self._sample(len(items)),
            self._batches.generator(self.epoch, self.step, 2),
        )

    def embeddings(self) -> Embeddings:
        """Propagate over the graph of all training pairs, without gradients."""
        with torch.no_grad():
            users, items = self.model.layer_outputs(self._batches.full_graph)
            # The first layer is the free embeddings, which the next step changes.
            layers = [layer.detach().clone() for layer in items]
            combine = self.model.combine
            return Embeddings(self._gather_users("users", combine(users)), combine(layers), layers)

    def _make_batches(self) -> Batches:
        recipe = self.recipe
        pairs = (self._edges, self._degrees)
        size, seed = recipe.fit.batch_users, recipe.seed
        if self._lists is not None:
            weights = positive_weights(self._lists, self._degrees.numpy(), recipe.teacher)
            return ListBatches(
                *pairs, self._lists, weights, size=size, seed=seed, group=self._group
            )
        return PairBatches(
            *pairs,
            size=size,
            hidden=recipe.fit.hidden,
            by_user=recipe.loss.weighting == "users",
            seed=seed,
            group=self._group,
        )

    def _sample(self, n_items: int) -> Sample | None:
        size, head = self.recipe.loss.sample, self.recipe.loss.head
        if size == 0:
            return None
        return self._batches.sample(n_items, head, size, self.epoch, self.step)


def _lists(
    edges: EdgeList,
    recipe: Recipe,
    progress: bool | None,
    warm: Mapping[str, EmbeddingTables] | None,
    held_out: EdgeList | None,
    ranker_models: tuple[str, ...],
    teacher_seconds: float | None,
) -> tuple[TeacherLists, tuple[str, ...], tuple[dict[str, Any], ...]]:
    """Return the teacher's lists, the models of its ranker, and the report of its scorers."""
    start = None if warm is None else warm.get(TEACHER)
    if recipe.teacher.kind == "learned":
        # LightGBM and implicit are loaded only for this teacher.
        with _openmp_needed():
            from bitrecall.training.teacher.learned.learned_lists import learned_lists
            from bitrecall.training.teacher.learned.ranker import Ranker

        learned = learned_lists(
            edges,
            recipe.teacher,
            seed=recipe.seed,
            device=edges.users.device,
            progress=progress,
            held_out=held_out,
            ranker=Ranker(ranker_models) if ranker_models else None,
            start=start,
            seconds=teacher_seconds,
        )
        models = () if learned.ranker is None else learned.ranker.models
        return learned.lists, models, tuple(report._asdict() for report in learned.scorers)
    lists = teacher_lists(
        edges,
        recipe.teacher,
        seed=recipe.seed,
        device=edges.users.device,
        progress=progress,
        start=start,
    )
    return lists, (), ()


@contextmanager
def _openmp_needed() -> Iterator[None]:
    """Name the package to install if LightGBM or implicit do not find the OpenMP library."""
    try:
        yield
    except ModuleNotFoundError:
        raise
    except (ImportError, OSError) as error:
        raise TrainingError(
            f"the learned teacher's libraries cannot be loaded ({error}): install OpenMP (on "
            "Debian and Ubuntu, apt-get install libgomp1), or use --set teacher.kind=filter"
        ) from error


def _blank(edges: EdgeList, recipe: Recipe) -> tuple[Tensor, Tensor]:
    users = torch.zeros(edges.n_users, recipe.bits, device=edges.users.device)
    return users, users.new_zeros(edges.n_items, recipe.bits)


def _start(
    edges: EdgeList, recipe: Recipe, warm: Mapping[str, EmbeddingTables] | None
) -> tuple[Tensor, Tensor]:
    if warm is not None:
        users, items = warm[CODES]
        return users.to(edges.users.device), items.to(edges.users.device)
    graph, bits, seed = edges.graph(), recipe.bits, recipe.seed
    if recipe.encoder.start == "svd":
        users, items = spectral_start(graph, bits, seed, recipe.encoder.start_power)
    else:
        users, items = random_start(graph, bits, seed)
    # The learning rate is chosen for embeddings with a mean magnitude of 1.
    magnitude = torch.cat([users, items]).abs().mean().clamp(min=1e-12)
    return users / magnitude, items / magnitude
