"""Checks of an HNSW graph from a file: FAISS follows it without checking bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["graph_fault"]


def graph_fault(
    room: NDArray[np.integer[Any]],
    levels: NDArray[np.integer[Any]],
    offsets: NDArray[np.integer[Any]],
    neighbours: NDArray[np.integer[Any]],
    entry: int,
    highest: int,
    nodes: int,
    m: int,
) -> str | None:
    """Return what makes a graph unsafe to search, or None.

    Node v is on ``levels[v]`` layers and has room for ``room[levels[v]]`` neighbours, those of
    layer l in ``neighbours[offsets[v] + room[l]:offsets[v] + room[l + 1]]``; -1 ends a list.

    Args:
        room: int (layers + 1,), neighbours of a node on the layers below each.
        levels: int (n,), layers of each node.
        offsets: int (n + 1,), where its neighbours begin.
        neighbours: int (slots,).
        entry: the node at which a search begins.
        highest: the layer on which it begins.
        nodes: n, how many codes the index holds.
        m: neighbours of a node on the upper layers; twice as many on the lowest.
    """
    if len(levels) != nodes or len(offsets) != nodes + 1:
        return f"its graph has {len(levels)} nodes for {nodes} codes"
    if len(room) < 2 or not np.array_equal(room, [0, *m * np.arange(2, len(room) + 1)]):
        return f"its graph does not have {m} links"
    if not nodes:
        return None
    if levels.min() < 1 or levels.max() >= len(room):
        return "a node of its graph is on a layer that does not exist"
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(room[levels], dtype=np.int64)])
    if len(neighbours) != ends[-1] or not np.array_equal(offsets, ends.astype(np.uint64)):
        return "the neighbour lists of its graph do not match the layers of its nodes"
    if highest != levels.max() - 1 or not 0 <= entry < nodes or levels[entry] < levels.max():
        return "the entry point of its graph is not on its highest layer"
    if neighbours.min() < -1 or neighbours.max() >= nodes:
        return f"its graph leads to a node outside 0 … {nodes - 1}"
    for layer in range(1, int(levels.max())):
        above = ends[:-1][levels > layer]
        reached = neighbours[above[:, None] + np.arange(room[layer], room[layer + 1])]
        if (levels[reached[reached >= 0]] <= layer).any():
            return f"its graph leads on layer {layer} to a node that is not on it"
    return None
