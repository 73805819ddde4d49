"""Base class of the methods trained by gradient: optimiser, position and checkpoint state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from bitrecall.training.errors import DivergedError
from bitrecall.training.model.adamw import AdamW
from bitrecall.training.model.method import Embeddings, EmbeddingTables
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup

_MOMENTS = ("exp_avg", "exp_avg_sq")

# Parameters with one row per user; all others are the same on every process.
_OF_USERS = frozenset({"users"})

ModelT = TypeVar("ModelT", bound=nn.Module)


class GradientMethod(ABC, Generic[ModelT]):
    """A ``Method`` that takes AdamW steps; subclasses define the embeddings and the loss.

    With several processes, each has a part of the users, and all items, whose gradients are
    summed over the processes. ``state``, ``parameters``, ``load`` and ``restore`` exchange the
    parameters of all users.

    Args:
        recipe: every hyper-parameter.
        n_users: m, the number of users of all processes together.
        group: the processes that train together.

    Attributes:
        model: holds every trained parameter; subclasses pass it to ``_set_model`` once.
        epoch: number of completed epochs.
        step: number of completed steps of the current epoch.
        ranker_models: as ``Method``.
        scorers: as ``Method``.
    """

    model: ModelT
    ranker_models: tuple[str, ...] = ()
    scorers: tuple[Mapping[str, Any], ...] = ()

    def __init__(
        self, recipe: Recipe, n_users: int = 0, group: ProcessGroup = SINGLE_PROCESS
    ) -> None:
        self.recipe = recipe
        self._n_users = n_users
        self._group = group
        self.epoch = 0
        self.step = 0

    def _set_model(self, model: ModelT) -> None:
        """Set the model, which is on the training device, and create its optimiser."""
        fit = self.recipe.fit
        self.model = model
        self._shared = self._group.wrap(_Shared(model))
        self._optimiser = AdamW(
            model.parameters(), weight_decay=fit.weight_decay, epsilon=fit.epsilon
        )

    @property
    @abstractmethod
    def steps(self) -> int:
        """Number of steps per epoch."""

    @abstractmethod
    def embeddings(self) -> Embeddings:
        """Embed all users and items, without gradients."""

    @abstractmethod
    def _loss_of_step(self) -> Tensor:
        """Compute the loss of the batch at ``epoch`` and ``step``, a scalar."""

    @property
    def progress(self) -> float:
        """Completed share of the schedule, from 0 to 1."""
        done = (self.epoch * self.steps + self.step) / (self.recipe.fit.epochs * self.steps)
        return min(done, 1.0)

    def set_epochs(self, epochs: int) -> None:
        """Change the number of epochs at which the schedule of the learning rate ends."""
        fit = self.recipe.fit.model_copy(update={"epochs": epochs})
        self.recipe = self.recipe.model_copy(update={"fit": fit})

    def advance(self) -> float:
        """Take one step.

        Returns:
            The loss of the batch before the step.

        Raises:
            DivergedError: the loss or a gradient is no longer finite; nothing was updated.
        """
        loss = self._loss_of_step()
        value = float(self._group.sum(loss.detach()).item())
        self._optimiser.zero_grad()
        self._shared()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._group.size > 1:
            # DDP averages the gradients, but the loss is a sum over the processes' users.
            for parameter in self._shared.parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(self._group.size)
        # The sign hides NaN embeddings from the loss, because the codes are still ±1. So parameters
        # and gradients are checked too.
        if self._group.any(not math.isfinite(value) or not self._is_finite()):
            raise DivergedError(
                f"the training diverged in epoch {self.epoch + 1}, step {self.step + 1} "
                f"(loss {value}): parameters or gradients are no longer finite; try a smaller "
                f"fit.learning_rate than {self.recipe.fit.learning_rate}"
            )
        self._optimiser.step(self._learning_rate())
        self.step += 1
        if self.step == self.steps:
            self.epoch, self.step = self.epoch + 1, 0
        return value

    def state(self) -> dict[str, Tensor]:
        """Return the parameters and Adam's moments by name, float32."""
        state = {}
        for name, parameter in self.model.named_parameters():
            state[name] = self._gather_users(name, parameter.detach())
            moments = self._optimiser.state.get(parameter, {})
            for key in _MOMENTS:
                if key in moments:
                    state[f"{name}.{key}"] = self._gather_users(name, moments[key])
        return state

    def load(self, state: dict[str, Tensor], *, epoch: int, step: int) -> None:
        """Resume from a saved state and position."""
        self.epoch, self.step = epoch, step
        self.restore(state)
        steps_done = epoch * self.steps + step
        if not steps_done:
            return
        for name, parameter in self.model.named_parameters():
            moments = {"step": torch.tensor(float(steps_done), device=parameter.device)}
            for key in _MOMENTS:
                saved = self._local_users(name, state[f"{name}.{key}"])
                moments[key] = saved.clone().to(parameter.device)
            self._optimiser.state[parameter] = moments

    def embedding_tables(self) -> dict[str, EmbeddingTables]:
        """Return no tables: most methods cannot start from an earlier training."""
        return {}

    def parameters(self) -> dict[str, Tensor]:
        """Copy the model's parameters, by name."""
        return {
            name: self._gather_users(name, value.detach()).clone()
            for name, value in self.model.named_parameters()
        }

    def restore(self, parameters: dict[str, Tensor]) -> None:
        """Set the model's parameters to these values."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(self._local_users(name, parameters[name]))

    def _gather_users(self, name: str, local: Tensor) -> Tensor:
        """Collect the rows of all users if the parameter ``name`` has one row per user."""
        return self._group.gather(local, self._n_users) if name in _OF_USERS else local

    def _local_users(self, name: str, values: Tensor) -> Tensor:
        """Select the rows of this process's users if the parameter has one row per user."""
        if name not in _OF_USERS or self._group.size == 1:
            return values
        return values[self._group.rows(self._n_users)]

    def _learning_rate(self) -> float:
        """The recipe's learning rate, decayed by a cosine to 0 at the end of the schedule."""
        return self.recipe.fit.learning_rate * 0.5 * (1 + math.cos(math.pi * self.progress))

    def _is_finite(self) -> bool:
        sums = [
            tensor.detach().sum()
            for parameter in self.model.parameters()
            for tensor in (parameter, parameter.grad)
            if tensor is not None
        ]
        return bool(torch.isfinite(torch.stack(sums).sum()))


class _Shared(nn.Module):
    """The parameters of a model that are the same on all processes."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        for name, parameter in model.named_parameters():
            if name not in _OF_USERS:
                self.register_parameter(name.replace(".", "_"), parameter)

    def forward(self) -> None:
        """Compute nothing; DDP's wrapper prepares its gradient reduction when it is called."""
