"""What every training by gradient shares: optimiser, position, and what a checkpoint keeps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from training.errors import DivergedError
from training.methods.base import Embeddings, Free
from training.recipe import Recipe

_MOMENTS = ("exp_avg", "exp_avg_sq")

ModelT = TypeVar("ModelT", bound=nn.Module)


class SteppedMethod(ABC, Generic[ModelT]):
    """A ``Method`` that takes AdamW steps; subclasses embed and give the loss of a step.

    Args:
        recipe: every hyper-parameter.

    Attributes:
        model: holds every trained parameter; subclasses give it to ``_begin`` once.
        epoch: whole epochs done.
        step: steps done of the epoch under way.
    """

    model: ModelT

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.epoch = 0
        self.step = 0

    def _begin(self, model: ModelT) -> None:
        """Take up a model, on the device of the training, before the first step."""
        fit = self.recipe.fit
        self.model = model
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
        value = float(loss.item())
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        # A sign hides a NaN from the loss: ±1 codes always score. Parameters and gradients do not.
        if not math.isfinite(value) or not self._finite():
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
            state[name] = parameter.detach()
            moments = self._optimiser.state.get(parameter, {})
            state.update({f"{name}.{key}": moments[key] for key in _MOMENTS if key in moments})
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
                moments[key] = state[f"{name}.{key}"].clone().to(parameter.device)

    def free(self) -> dict[str, Free]:
        """None: most methods start anew each time."""
        return {}

    def parameters(self) -> dict[str, Tensor]:
        """Copies of the model's parameters, by name."""
        return {name: value.detach().clone() for name, value in self.model.named_parameters()}

    def restore(self, parameters: dict[str, Tensor]) -> None:
        """Take up the values of ``parameters`` again."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(parameters[name])

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
