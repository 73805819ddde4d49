"""What every training by gradient shares: optimiser, position, and what a checkpoint keeps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from bitrecall.training.errors import DivergedError
from bitrecall.training.model.method import Embeddings, EmbeddingTables
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup

_MOMENTS = ("exp_avg", "exp_avg_sq")

# Parameters with a row a user; all others are the same on every process.
_OF_USERS = frozenset({"users"})

ModelT = TypeVar("ModelT", bound=nn.Module)


class GradientMethod(ABC, Generic[ModelT]):
    """A ``Method`` that takes AdamW steps; subclasses embed and give the loss of a step.

    Of several processes each has all items, whose gradients are summed over them, and its own
    users. What goes in and out (``state``, ``parameters``, ``load``, ``restore``) is of all users.

    Args:
        recipe: every hyper-parameter.
        n_users: m, users of all processes together.
        group: the processes.

    Attributes:
        model: holds every trained parameter; subclasses give it to ``_begin`` once.
        epoch: whole epochs done.
        step: steps done of the epoch under way.
    """

    model: ModelT

    def __init__(
        self, recipe: Recipe, n_users: int = 0, group: ProcessGroup = SINGLE_PROCESS
    ) -> None:
        self.recipe = recipe
        self._n_users = n_users
        self._group = group
        self.epoch = 0
        self.step = 0

    def _begin(self, model: ModelT) -> None:
        """Take up a model, on the device of the training, before the first step."""
        fit = self.recipe.fit
        self.model = model
        self._shared = self._group.wrap(_Shared(model))
        self._optimiser = torch.optim.AdamW(
            model.parameters(),
            lr=fit.learning_rate,
            weight_decay=fit.weight_decay,
            eps=fit.epsilon,
            fused=True,
        )

    @property
    @abstractmethod
    def steps(self) -> int:
        """Steps in an epoch."""

    @abstractmethod
    def embeddings(self) -> Embeddings:
        """Embed all users and items, without gradients."""

    @abstractmethod
    def _loss_of_step(self) -> Tensor:
        """The loss of the batch at ``epoch`` and ``step``, a scalar."""

    @property
    def progress(self) -> float:
        """The share of the schedule that is done, from 0 to 1."""
        done = (self.epoch * self.steps + self.step) / (self.recipe.fit.epochs * self.steps)
        return min(done, 1.0)

    def advance(self) -> float:
        """Take one step.

        Returns:
            The loss of the batch before the step.

        Raises:
            DivergedError: the loss or a gradient is no longer finite; nothing was updated.
        """
        loss = self._loss_of_step()
        value = float(self._group.sum(loss.detach()).item())
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self._optimiser.zero_grad()
        self._shared()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._group.size > 1:
            # They were averaged, and each process has only its own users' part of the loss.
            for parameter in self._shared.parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(self._group.size)
        # A sign hides a NaN from the loss: ±1 codes always score. Parameters and gradients do not.
        if self._group.any(not math.isfinite(value) or not self._finite()):
            raise DivergedError(
                f"the training diverged in epoch {self.epoch + 1}, step {self.step + 1} "
                f"(loss {value}): parameters or gradients are no longer finite; try a smaller "
                f"fit.learning_rate than {self.recipe.fit.learning_rate}"
            )
        self._optimiser.step()
        self.step += 1
        if self.step == self.steps:
            self.epoch, self.step = self.epoch + 1, 0
        return value

    def state(self) -> dict[str, Tensor]:
        """Parameters and Adam's moments, by name, float32; the position is in epoch and step."""
        state = {}
        for name, parameter in self.model.named_parameters():
            state[name] = self._whole(name, parameter.detach())
            moments = self._optimiser.state.get(parameter, {})
            for key in _MOMENTS:
                if key in moments:
                    state[f"{name}.{key}"] = self._whole(name, moments[key])
        return state

    def load(self, state: dict[str, Tensor], *, epoch: int, step: int) -> None:
        """Go on from a saved state and position."""
        self.epoch, self.step = epoch, step
        self.restore(state)
        taken = epoch * self.steps + step
        if not taken:
            return
        for name, parameter in self.model.named_parameters():
            moments: dict[str, Any] = self._optimiser.state[parameter]
            moments["step"] = torch.tensor(float(taken), device=parameter.device)
            for key in _MOMENTS:
                saved = self._own(name, state[f"{name}.{key}"])
                moments[key] = saved.clone().to(parameter.device)

    def free(self) -> dict[str, EmbeddingTables]:
        """None: most methods start anew each time."""
        return {}

    def parameters(self) -> dict[str, Tensor]:
        """Copies of the model's parameters, by name."""
        return {
            name: self._whole(name, value.detach()).clone()
            for name, value in self.model.named_parameters()
        }

    def restore(self, parameters: dict[str, Tensor]) -> None:
        """Take up the values of ``parameters`` again."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(self._own(name, parameters[name]))

    def _whole(self, name: str, own: Tensor) -> Tensor:
        """Of all users, where it is of this process's."""
        return self._group.gather(own, self._n_users) if name in _OF_USERS else own

    def _own(self, name: str, whole: Tensor) -> Tensor:
        """Of this process's users, where it is of all."""
        if name not in _OF_USERS or self._group.size == 1:
            return whole
        return whole[self._group.rows(self._n_users)]

    def _learning_rate(self) -> float:
        """The highest one, falling by a cosine to 0 at the end of the schedule."""
        return self.recipe.fit.learning_rate * 0.5 * (1 + math.cos(math.pi * self.progress))

    def _finite(self) -> bool:
        sums = [
            tensor.detach().sum()
            for parameter in self.model.parameters()
            for tensor in (parameter, parameter.grad)
            if tensor is not None
        ]
        return bool(torch.isfinite(torch.stack(sums).sum()))


class _Shared(nn.Module):
    """The parameters of a model that all processes hold."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        for name, parameter in model.named_parameters():
            if name not in _OF_USERS:
                self.register_parameter(name.replace(".", "_"), parameter)

    def forward(self) -> None:
        """Nothing: what wraps this gets ready to bring gradients together."""
