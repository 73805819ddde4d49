"""Warm starts: the final state of a training, and how a training on later data starts from it.

Rows are matched by their ids. New rows are initialised from their neighbours: a new user has no
free embedding and is the sum of its items, as in fold-in; a new item is the normalised sum of its
users, scaled to the mean magnitude of other items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.index.releases.id_table import IdTable
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.runtime.array_files import load_arrays, save_arrays, unreadable

_FILE_KIND: Final = "the warm start state"


@dataclass(frozen=True)
class WarmStart:
    """The initial embeddings of a training.

    Attributes:
        origin: name of the earlier training; a checkpoint with another origin is rejected.
        free: embeddings by name, in the rows of the training pairs.
        new_users: number of users that the earlier training did not have.
        new_items: number of items that the earlier training did not have.
        ranker_models: the ranker of a learned teacher; empty fits one.
    """

    origin: str
    free: Mapping[str, EmbeddingTables]
    new_users: int
    new_items: int
    ranker_models: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class WarmStartState:
    """The end of a training: its free embeddings, and the ranker of its teacher.

    Attributes:
        origin: name of the training.
        user_ids: ids of the rows of user embeddings.
        item_ids: ids of the rows of item embeddings.
        free: embeddings by name.
        ranker_models: the ranker of a learned teacher; empty without one.
    """

    origin: str
    user_ids: list[str]
    item_ids: list[str]
    free: Mapping[str, EmbeddingTables]
    ranker_models: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Replace the file at ``path``.

        Raises:
            CheckpointError: it cannot be written.
        """
        arrays: dict[str, NDArray[np.generic]] = {}
        for side, ids in (("users", self.user_ids), ("items", self.item_ids)):
            table = IdTable.build(ids)
            arrays[f"{side}/text"], arrays[f"{side}/offsets"] = table.text, table.offsets
        for name, free in self.free.items():
            for side, value in free._asdict().items():
                arrays[f"free/{name}/{side}"] = value.cpu().numpy()
        header = {
            "origin": self.origin,
            "names": list(self.free),
            "ranker_models": list(self.ranker_models),
        }
        save_arrays(path, header, arrays, _FILE_KIND)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read the file at ``path``, or return None if it does not exist.

        Raises:
            CheckpointError: it is damaged.
        """
        loaded = load_arrays(path, _FILE_KIND)
        if loaded is None:
            return None
        header, arrays = loaded
        try:
            users, items = (
                _ids(arrays[f"{side}/text"], arrays[f"{side}/offsets"])
                for side in EmbeddingTables._fields
            )
            free = {}
            for name in header["names"]:
                user_rows, item_rows = (
                    torch.from_numpy(arrays[f"free/{name}/{side}"])
                    for side in EmbeddingTables._fields
                )
                if (len(user_rows), len(item_rows)) != (len(users), len(items)):
                    raise ValueError("embeddings and ids differ in number")
                free[name] = EmbeddingTables(user_rows, item_rows)
            return cls(header["origin"], users, items, free, tuple(header["ranker_models"]))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(path, _FILE_KIND, error) from error

    def start(self, pairs: Interactions) -> WarmStart:
        """Initialise a training on other pairs, in their rows.

        Args:
            pairs: the new training pairs.
        """
        users, items = (
            _rows_of(self.user_ids, pairs.user_ids),
            _rows_of(self.item_ids, pairs.item_ids),
        )
        edges = EdgeList.of(pairs)
        free = {
            name: _initial_tables(tables, users, items, edges) for name, tables in self.free.items()
        }
        new_users, new_items = int((users < 0).sum()), int((items < 0).sum())
        return WarmStart(self.origin, free, new_users, new_items, self.ranker_models)


def _initial_tables(
    free: EmbeddingTables, users: NDArray[np.int64], items: NDArray[np.int64], edges: EdgeList
) -> EmbeddingTables:
    """Select the rows ``users`` and ``items`` of old embeddings; initialise rows of -1."""
    user_rows, item_rows = _select(free.users, users), _select(free.items, items)
    new = torch.from_numpy(items < 0)
    if bool(new.any()):
        graph = edges.graph()
        embedded = user_rows + graph.users_to_items @ item_rows
        new_rows = (graph.items_to_users @ embedded)[new]
        # An item with only new users and new items around it has no position: any but zero will do.
        is_zero = new_rows.abs().sum(dim=1) == 0
        generator = torch.Generator().manual_seed(0)
        new_rows[is_zero] = torch.randn(int(is_zero.sum()), new_rows.shape[1], generator=generator)
        size = (
            free.items.abs().mean(dtype=torch.float64).float()
            if len(free.items)
            else torch.tensor(1.0)
        )
        item_rows[new] = new_rows / new_rows.abs().mean(dim=1, keepdim=True) * size
    return EmbeddingTables(user_rows, item_rows)


def _select(table: Tensor, rows: NDArray[np.int64]) -> Tensor:
    """Select rows of a table, float32 (len(rows), d); zeros for a row of -1."""
    selected = table.new_zeros(len(rows), table.shape[1])
    known = torch.from_numpy(rows >= 0)
    selected[known] = table[torch.from_numpy(rows)[known]]
    return selected


def _rows_of(old: list[str], new: list[str]) -> NDArray[np.int64]:
    """Look up the row of each new id among the old ones, int64 (len(new),); -1 if unknown."""
    rows = {text: row for row, text in enumerate(old)}
    return np.array([rows.get(text, -1) for text in new], np.int64)


def _ids(text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    encoded = text.tobytes()
    return [encoded[start:end].decode() for start, end in pairwise(offsets.tolist())]
