"""What a training leaves behind, and how another on later data starts from it.

Rows are matched by their ids. Whatever is new starts from its neighbours: a user without a free
embedding of its own is the sum of its items, as when it is folded in; an item is put where its
users are, in the size of other items.
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

_WHAT: Final = "the end of an earlier training"


@dataclass(frozen=True)
class WarmStart:
    """Where a training starts.

    Attributes:
        origin: names what it goes on from; a checkpoint from elsewhere is refused.
        free: embeddings by name, in the rows of what is trained on.
        new_users: how many users it had to make a start for.
        new_items: how many items.
    """

    origin: str
    free: Mapping[str, EmbeddingTables]
    new_users: int
    new_items: int


@dataclass(frozen=True, eq=False)
class WarmStartState:
    """Free embeddings as a training left them.

    Attributes:
        origin: names the training.
        user_ids: of the rows of the embeddings of users.
        item_ids: of those of items.
        free: embeddings by name.
    """

    origin: str
    user_ids: list[str]
    item_ids: list[str]
    free: Mapping[str, EmbeddingTables]

    def save(self, path: Path) -> None:
        """Replace the file at ``path``; CheckpointError where it cannot be written."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for whose, ids in (("users", self.user_ids), ("items", self.item_ids)):
            table = IdTable.build(ids)
            arrays[f"{whose}/text"], arrays[f"{whose}/offsets"] = table.text, table.offsets
        for name, free in self.free.items():
            for whose, value in free._asdict().items():
                arrays[f"free/{name}/{whose}"] = value.cpu().numpy()
        header = {"origin": self.origin, "names": list(self.free)}
        save_arrays(path, header, arrays, _WHAT)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read the file at ``path``, None where there is none; CheckpointError on a damaged one."""
        loaded = load_arrays(path, _WHAT)
        if loaded is None:
            return None
        header, arrays = loaded
        try:
            users, items = (
                _ids(arrays[f"{w}/text"], arrays[f"{w}/offsets"]) for w in EmbeddingTables._fields
            )
            free = {}
            for name in header["names"]:
                own, others = (
                    torch.from_numpy(arrays[f"free/{name}/{w}"]) for w in EmbeddingTables._fields
                )
                if (len(own), len(others)) != (len(users), len(items)):
                    raise ValueError("its arrays differ in length")
                free[name] = EmbeddingTables(own, others)
            return cls(header["origin"], users, items, free)
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(path, _WHAT, error) from error

    def start(self, pairs: Interactions) -> WarmStart:
        """The start of a training on other pairs, in their rows; new rows are made for what is new.

        Args:
            pairs: what will be trained on.
        """
        users, items = (
            _places(self.user_ids, pairs.user_ids),
            _places(self.item_ids, pairs.item_ids),
        )
        edges = EdgeList.of(pairs)
        free = {name: _carried(one, users, items, edges) for name, one in self.free.items()}
        return WarmStart(self.origin, free, int((users < 0).sum()), int((items < 0).sum()))


def _carried(
    free: EmbeddingTables, users: NDArray[np.int64], items: NDArray[np.int64], edges: EdgeList
) -> EmbeddingTables:
    """The rows of old embeddings at ``users`` and ``items``, and a start for those at -1."""
    own, others = _taken(free.users, users), _taken(free.items, items)
    new = torch.from_numpy(items < 0)
    if bool(new.any()):
        graph = edges.graph()
        embedded = own + graph.users_to_items @ others
        made = (graph.items_to_users @ embedded)[new]
        # An item of users of whom nothing is known is as good anywhere, but not at zero.
        lost = made.abs().sum(dim=1) == 0
        generator = torch.Generator().manual_seed(0)
        made[lost] = torch.randn(int(lost.sum()), made.shape[1], generator=generator)
        size = (
            free.items.abs().mean(dtype=torch.float64).float()
            if len(free.items)
            else torch.tensor(1.0)
        )
        others[new] = made / made.abs().mean(dim=1, keepdim=True) * size
    return EmbeddingTables(own, others)


def _taken(rows: Tensor, places: NDArray[np.int64]) -> Tensor:
    """Rows at the places, float32 (len(places), d); zeros where a place is -1."""
    taken = rows.new_zeros(len(places), rows.shape[1])
    known = torch.from_numpy(places >= 0)
    taken[known] = rows[torch.from_numpy(places)[known]]
    return taken


def _places(old: list[str], new: list[str]) -> NDArray[np.int64]:
    """Where each new id stands among the old ones, int64 (len(new),); -1 where it does not."""
    place = {text: row for row, text in enumerate(old)}
    return np.array([place.get(text, -1) for text in new], np.int64)


def _ids(text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    whole = text.tobytes()
    return [whole[start:end].decode() for start, end in pairwise(offsets.tolist())]
