"""Score levels from packed bits, in C (``training/native``).

A matrix product writes its scores to memory. These loops count scores, and later look up their
gradients, while they are in the L1 cache. They exist if the installation had a C compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.model.losses.candidates import Candidates
from bitrecall.training.model.losses.scores import BLOCK_ITEMS, scaled

loops: ModuleType | None
"""The compiled loops; None if the installation had no C compiler."""

try:
    from bitrecall.training import _native
except ImportError:
    loops = None
else:
    loops = _native

# Pairs per block: the codes of this many pairs stay in the cache.
_PAIRS = 16_384


def can_pack(codes: Tensor) -> bool:
    """Whether ``PackedScores`` supports these codes and its loops were compiled."""
    return loops is not None and codes.device.type == "cpu" and codes.dtype == torch.float32


class PackedScores:
    """Score levels by XOR and population count; see ``DenseScores``.

    Args:
        user_codes: float32 (b, f) of ±1, on the CPU.
        item_codes: float32 (n, f) of ±1.
        candidates: the items to score.
        level: the CPU instruction set, a name from ``levels()`` of the loops; None is the best one
            that the CPU supports.
    """

    def __init__(
        self,
        user_codes: Tensor,
        item_codes: Tensor,
        candidates: Candidates,
        level: str | None = None,
    ) -> None:
        assert loops is not None  # noqa: S101 - checked by can_pack
        self._loops = loops
        levels: dict[str, int] = loops.levels()
        self._level = levels[level or next(iter(levels))]
        self.batch, self.bits = user_codes.shape
        self._user_codes = user_codes
        self._item_codes = item_codes
        self._candidates = candidates
        self._users, self._items = _packed(user_codes), _packed(item_codes)
        self.special_bins = torch.zeros(candidates.n_special, dtype=torch.int64)

    def histogram(self) -> Tensor:
        """Count the candidates on each level, float32 (b, f + 1)."""
        shape = self.batch, self.bits + 1
        special = self._candidates.special
        self.special_bins = special.users * shape[1] + self._levels(special.users, special.items)
        total = torch.zeros(shape)
        for block in self._candidates.blocks(len(self._items)):
            counts = np.zeros(shape, np.int32)
            self._run_in_threads(self._loops.count, self._items_of(block.items), counts)
            bins = self.special_bins[block.pairs]
            special_counts = torch.bincount(bins, minlength=total.numel()).view(shape)
            total += scaled((torch.from_numpy(counts) - special_counts).float(), block)
        return total

    def backward(self, table: Tensor, special: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the gradients with respect to user and item codes."""
        user_gradient = torch.zeros_like(self._user_codes)
        item_gradient = torch.zeros_like(self._item_codes)
        for block in self._candidates.blocks(BLOCK_ITEMS):
            items, values = self._items_of(block.items), scaled(table, block).contiguous()
            by_score = torch.empty(self.batch, len(items))
            self._run_in_threads(self._loops.look_up, items, values.numpy(), by_score.numpy())
            by_score[block.users, block.columns] = special[block.pairs]
            user_gradient.addmm_(by_score, self._item_codes[block.items])
            item_gradient[block.items] = by_score.T @ self._user_codes
        return user_gradient, item_gradient

    @property
    def _dimensions(self) -> tuple[int, int, int]:
        return self._users.shape[1], self.bits, self._level

    def _items_of(self, rows: slice | Tensor) -> NDArray[np.uint8]:
        return self._items[rows if isinstance(rows, slice) else rows.numpy()]

    def _levels(self, users: Tensor, items: Tensor) -> Tensor:
        levels = np.empty(len(users), np.int64)
        for start in range(0, len(users), _PAIRS):
            part = slice(start, start + _PAIRS)
            differing = self._users[users[part].numpy()] ^ self._items[items[part].numpy()]
            levels[part] = self.bits - np.bitwise_count(differing).sum(axis=1, dtype=np.int64)
        return torch.from_numpy(levels)

    def _run_in_threads(
        self, loop: Callable[..., None], items: NDArray[np.uint8], *by_user: NDArray[Any]
    ) -> None:
        """Run a loop in torch's number of threads, each for a part of the users."""
        threads = max(1, min(torch.get_num_threads(), self.batch))
        bounds = np.linspace(0, self.batch, threads + 1).astype(int).tolist()

        def run(first: int, last: int) -> None:
            parts = (array[first:last] for array in by_user)
            loop(self._users[first:last], items, *self._dimensions, *parts)

        if threads == 1:
            run(0, self.batch)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, bounds[:-1], bounds[1:]))


def _packed(codes: Tensor) -> NDArray[np.uint8]:
    return np.packbits((codes.detach() >= 0).numpy(), axis=1, bitorder="little")
