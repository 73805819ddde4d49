"""Processes that train one model together, each with a part of the users.

User row u belongs to process u mod W, where it is row u div W. All communication between processes
is in the methods of ``ProcessGroup``; in a single process each of them is the identity, at no cost.
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

# The other processes wait while the first one computes the teacher's lists.
_TIMEOUT = timedelta(hours=12)


class ProcessGroup:
    """The processes of a training, from the view of one of them.

    All processes must call the same methods in the same order.

    Args:
        rank: number of this process, from 0; the first one decides when checkpoints are due,
            writes files and publishes.
        size: W, the number of processes.
        device: the device of the tensors that are exchanged.
    """

    def __init__(self, rank: int = 0, size: int = 1, device: str = "cpu") -> None:
        self.rank = rank
        self.size = size
        self._device = device

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def rows(self, total: int) -> Tensor:
        """Return the rows of this process among ``total`` users, int64."""
        return torch.arange(self.rank, total, self.size)

    def sum(self, local: Tensor) -> Tensor:
        """Sum a tensor over all processes, without gradient."""
        if self.size == 1:
            return local
        total = local.detach().clone().to(self._device)
        distributed.all_reduce(total)
        return total.to(local.device)

    def differentiable_sum(self, local: Tensor) -> Tensor:
        """Sum a tensor over all processes; the backward pass sums the gradients too."""
        if self.size == 1:
            return local
        total: Tensor = _Sum.apply(local)  # type: ignore[no-untyped-call]
        return total

    def gather(self, local: Tensor, total: int) -> Tensor:
        """Collect all processes' rows, as the rows of all ``total`` users, on every process."""
        if self.size == 1:
            return local
        rows = -(-total // self.size)
        padded = local.new_zeros(rows, *local.shape[1:])
        padded[: len(local)] = local.detach()
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        distributed.all_gather(parts, padded)
        return torch.stack(parts, dim=1).flatten(0, 1)[:total]

    def broadcast_from_first(self, make: Callable[[], T]) -> T:
        """Call ``make`` on the first process, and return its result on every process.

        An exception of ``make`` is raised on every process.
        """
        if self.size == 1:
            return make()
        message: list[Any] = [None, None]
        if self.is_first:
            try:
                message[0] = make()
            except Exception as error:
                message[1] = error
        distributed.broadcast_object_list(message, src=0)
        if message[1] is not None:
            raise message[1]
        result: T = message[0]
        return result

    def any(self, flag: bool) -> bool:
        """Whether the flag is true on any process."""
        return bool(self.sum(torch.tensor(int(flag))))

    def wrap(self, model: nn.Module) -> nn.Module:
        """Wrap a model so that its gradients are averaged over all processes."""
        if self.size == 1:
            return model
        # A separate group, so that its messages cannot mix with those of the sums.
        gradient_group = distributed.new_group(timeout=_TIMEOUT)
        return DistributedDataParallel(model, process_group=gradient_group)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:
        total = local.clone()
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
    """Join the group of this process, if ``torchrun`` started it; otherwise ``SINGLE_PROCESS``.

    Processes communicate by gloo on CPUs and by NCCL on GPUs. Each process uses the GPU of its
    local rank.

    Raises:
        TrainingError: the other processes cannot be reached.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield SINGLE_PROCESS
        return
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=_TIMEOUT)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"cannot connect to the other training processes: {error}") from error
    try:
        yield ProcessGroup(distributed.get_rank(), size, "cuda" if on_gpu else "cpu")
        # A process that exits before another has read its last message makes that one fail.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
