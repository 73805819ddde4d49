"""Processes that train one model together, each with its own share of the users.

Who has which user: row u belongs to process u mod W, where it is row u div W. Everything that a
process asks of the others is a method of ``ProcessGroup``; for one that trains alone each of them
is the identity, and costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from bitrecall.training.errors import TrainingError

T = TypeVar("T")

# The first of the processes works alone while the teacher's lists are made.
_PATIENCE = timedelta(hours=12)


class ProcessGroup:
    """The processes of a training, as one of them sees them.

    All of them must call the same methods in the same order.

    Args:
        rank: this process's number, from 0; the first one reads checkpoints' due times, writes
            files and publishes.
        size: W, how many there are.
        device: what their messages are sent from.
    """

    def __init__(self, rank: int = 0, size: int = 1, device: str = "cpu") -> None:
        self.rank = rank
        self.size = size
        self._device = device

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    def rows(self, total: int) -> Tensor:
        """The rows of this process among ``total`` users, int64."""
        return torch.arange(self.rank, total, self.size)

    def sum(self, own: Tensor) -> Tensor:
        """The sum of everybody's tensor, without gradient."""
        if self.size == 1:
            return own
        total = own.detach().clone().to(self._device)
        distributed.all_reduce(total)
        return total.to(own.device)

    def differentiable_sum(self, own: Tensor) -> Tensor:
        """The sum of everybody's tensor; its gradient is the sum of everybody's too."""
        if self.size == 1:
            return own
        total: Tensor = _Sum.apply(own)  # type: ignore[no-untyped-call]
        return total

    def gather(self, own: Tensor, total: int) -> Tensor:
        """Everybody's rows as the ``total`` rows that they are of, on every process."""
        if self.size == 1:
            return own
        most = -(-total // self.size)
        padded = own.new_zeros(most, *own.shape[1:])
        padded[: len(own)] = own.detach()
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        distributed.all_gather(parts, padded)
        return torch.stack(parts, dim=1).flatten(0, 1)[:total]

    def broadcast_from_first(self, make: Callable[[], T]) -> T:
        """What ``make`` gives the first process, which alone calls it.

        Raises on every process what it raises on the first.
        """
        if self.size == 1:
            return make()
        said: list[Any] = [None, None]
        if self.is_first:
            try:
                said[0] = make()
            except Exception as error:
                said[1] = error
        distributed.broadcast_object_list(said, src=0)
        if said[1] is not None:
            raise said[1]
        made: T = said[0]
        return made

    def any(self, flag: bool) -> bool:
        """Whether it is so for any of the processes."""
        return bool(self.sum(torch.tensor(int(flag))))

    def wrap(self, model: nn.Module) -> nn.Module:
        """Have the gradients of a model that all processes hold averaged over them."""
        if self.size == 1:
            return model
        # A group of its own, so that its messages cannot cross those of the sums.
        own = distributed.new_group(timeout=_PATIENCE)
        return DistributedDataParallel(model, process_group=own)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


SINGLE_PROCESS = ProcessGroup()


@contextmanager
def init_process_group(device: str = "cpu") -> Iterator[ProcessGroup]:
    """The group that ``torchrun`` started this process in; ``SINGLE_PROCESS`` where it was not.

    Processes speak by gloo on CPUs and by NCCL on GPUs, of which each takes the one of its local
    rank.

    Raises:
        TrainingError: the others cannot be reached.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield SINGLE_PROCESS
        return
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"the processes of the training cannot meet: {error}") from error
    try:
        yield ProcessGroup(distributed.get_rank(), size, "cuda" if on_gpu else "cpu")
        # One that leaves while another has not read its last message yet takes that one with it.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
