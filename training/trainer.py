"""One training of codes: the encoder, its optimiser, and where in the schedule it stands."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from training.batches import Batches
from training.encoder import ItemSums, LightGCN, unit_magnitude
from training.errors import DivergedError
from training.graph import EdgeList
from training.list_batches import ListBatches
from training.losses.pairs import Sample
from training.losses.registry import ranking_loss
from training.methods.base import Embeddings
from training.pair_batches import PairBatches
from training.recipe import Recipe
from training.signs import sign_estimator
from training.start import random_start, spectral_start
from training.teacher.lists import teacher_lists, weigh


class Trainer:
    """Methods ``bitrecall`` and ``proposed``: codes that rank a teacher's lists, or the pairs.

    Everything it needs to go on later is in ``state``.

    Args:
        edges: the training pairs; their device is where the training runs.
        recipe: every hyper-parameter.
        start: whether to compute the initial embeddings; False where a state will be loaded.
        progress: show a bar of the teacher's work on stderr; None shows it only where stderr is a
            terminal.
    """

    def __init__(
        self,
        edges: EdgeList,
        recipe: Recipe,
        *,
        start: bool = True,
        progress: bool | None = False,
    ) -> None:
        self.recipe = recipe
        self.epoch = 0
        self.step = 0
        self._edges = edges
        self._batches = _batches(edges, recipe, progress)
        self._loss = ranking_loss(recipe.loss)
        users, items = self._start() if start else self._blank()
        self.model: LightGCN | ItemSums
        if recipe.encoder.name == "item_sums":
            self.model = ItemSums(users, items)
        else:
            self.model = LightGCN(users, items, recipe.encoder.layers)
        self._optimiser = torch.optim.AdamW(
            self.model.parameters(),
            lr=recipe.fit.learning_rate,
            weight_decay=recipe.fit.weight_decay,
            eps=recipe.fit.epsilon,
            fused=True,
        )

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return len(self._batches)

    def advance(self) -> float:
        """Take one step.

        Returns:
            The loss of the batch before the step.

        Raises:
            DivergedError: the loss is no longer a finite number; nothing was updated.
        """
        batch = self._batches.batch(self.epoch, self.step)
        users, items = self.model.of_batch(batch.graph, batch.users)
        code = sign_estimator(self.recipe.sign, self._done, exact=self._loss.exact)
        loss = self._loss(
            code(unit_magnitude(users)),
            code(unit_magnitude(items)),
            batch.positives,
            batch.excluded,
            batch.weights,
            self._sample(len(items)),
            self._batches.generator(self.epoch, self.step, 2),
        )
        value = float(loss.item())
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        # A sign hides a NaN from the loss: ±1 codes always score. The embeddings do not.
        if not math.isfinite(value) or not bool(torch.isfinite(users.sum() + items.sum())):
            raise DivergedError(
                f"the training diverged in epoch {self.epoch + 1}, step {self.step + 1} "
                f"(loss {value}): embeddings are no longer finite; try a smaller "
                f"fit.learning_rate than {self.recipe.fit.learning_rate}"
            )
        self._optimiser.step()
        self.step += 1
        if self.step == self.steps:
            self.epoch, self.step = self.epoch + 1, 0
        return value

    def embeddings(self) -> Embeddings:
        """Propagate over the graph of all training pairs, without gradients."""
        with torch.no_grad():
            users, items = self.model.layer_outputs(self._batches.full_graph)
            # The free embeddings are themselves a layer, and would change with the next step.
            layers = [layer.detach().clone() for layer in items]
            combine = self.model.combine
            return Embeddings(combine(users), combine(layers), layers)

    def state(self) -> dict[str, Tensor]:
        """Parameters and Adam's moments, by name, float32; the position is in epoch and step."""
        state = {"users": self.model.users.detach(), "items": self.model.items.detach()}
        for name, parameter in self.model.named_parameters():
            moments = self._optimiser.state.get(parameter, {})
            for moment in ("exp_avg", "exp_avg_sq"):
                if moment in moments:
                    state[f"{name}.{moment}"] = moments[moment]
        return state

    def load(self, state: dict[str, Tensor], *, epoch: int, step: int) -> None:
        """Go on from a saved state and position."""
        self.epoch, self.step = epoch, step
        device = self._edges.users.device
        taken = epoch * self.steps + step
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(state[name])
                if taken:
                    moments: dict[str, Any] = self._optimiser.state[parameter]
                    moments["step"] = torch.tensor(float(taken), device=device)
                    for moment in ("exp_avg", "exp_avg_sq"):
                        moments[moment] = state[f"{name}.{moment}"].clone().to(device)

    def parameters(self) -> dict[str, Tensor]:
        """The free embeddings, by name: copies."""
        return {name: value.detach().clone() for name, value in self.model.named_parameters()}

    def restore(self, parameters: dict[str, Tensor]) -> None:
        """Take up the free embeddings of an earlier moment."""
        self.model.load_state_dict(parameters)

    def _blank(self) -> tuple[Tensor, Tensor]:
        users = torch.zeros(self._edges.n_users, self.recipe.bits, device=self._edges.users.device)
        return users, users.new_zeros(self._edges.n_items, self.recipe.bits)

    def _start(self) -> tuple[Tensor, Tensor]:
        graph, bits, seed = self._batches.full_graph, self.recipe.bits, self.recipe.seed
        if self.recipe.encoder.start == "svd":
            users, items = spectral_start(graph, bits, seed, self.recipe.encoder.start_power)
        else:
            users, items = random_start(graph, bits, seed)
        # The learning rate is meant for embeddings of mean magnitude 1.
        magnitude = torch.cat([users, items]).abs().mean().clamp(min=1e-12)
        return users / magnitude, items / magnitude

    @property
    def _done(self) -> float:
        """The share of the schedule that is done, from 0 to 1."""
        done = (self.epoch * self.steps + self.step) / (self.recipe.fit.epochs * self.steps)
        return min(done, 1.0)

    def _learning_rate(self) -> float:
        return self.recipe.fit.learning_rate * 0.5 * (1 + math.cos(math.pi * self._done))

    def _sample(self, n_items: int) -> Sample | None:
        size, head = self.recipe.loss.sample, self.recipe.loss.head
        if size == 0:
            return None
        return self._batches.sample(n_items, head, size, self.epoch, self.step)


def _batches(edges: EdgeList, recipe: Recipe, progress: bool | None) -> Batches:
    size, seed = recipe.fit.batch_users, recipe.seed
    if recipe.method == "bitrecall":
        lists = teacher_lists(
            edges, recipe.teacher, seed=seed, device=edges.users.device, progress=progress
        )
        degrees = edges.user_starts.diff().cpu().numpy()
        return ListBatches(
            edges, lists, weigh(lists, degrees, recipe.teacher), size=size, seed=seed
        )
    return PairBatches(
        edges,
        size=size,
        hidden=recipe.fit.hidden,
        by_user=recipe.loss.weighting == "users",
        seed=seed,
    )
