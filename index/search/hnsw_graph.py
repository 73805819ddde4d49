"""Checks of an HNSW graph from a file: FAISS follows it without checking bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["graph_fault"]


def graph_fault(
    slots: NDArray[np.integer[Any]],
    levels: NDArray[np.integer[Any]],
    offsets: NDArray[np.integer[Any]],
    neighbours: NDArray[np.integer[Any]],
    entry: int,
    highest: int,
    nodes: int,
    m: int,
) -> str | None:
    """Return what makes a graph unsafe to search, or None.

    Node v is on ``levels[v]`` layers and has ``slots[levels[v]]`` slots for neighbours. Those of
    layer l are ``neighbours[offsets[v] + slots[l]:offsets[v] + slots[l + 1]]``; -1 ends a list.

    Args:
        slots: int (layers + 1,), slots of a node on all layers below each.
        levels: int (n,), the number of layers of each node.
        offsets: int (n + 1,), where the slots of each node begin.
        neighbours: int, the slots of all nodes.
        entry: the node at which a search begins.
        highest: the layer on which it begins.
        nodes: n, the number of codes in the index.
        m: neighbours of a node on the upper layers; twice as many on the lowest.
    """
    if len(levels) != nodes or len(offsets) != nodes + 1:
        return f"its graph has {len(levels)} nodes for {nodes} codes"
    if len(slots) < 2 or not np.array_equal(slots, [0, *m * np.arange(2, len(slots) + 1)]):
        return f"its graph was not built with m = {m}"
    if not nodes:
        return None
    if levels.min() < 1 or levels.max() >= len(slots):
        return "a node of its graph is on a layer that does not exist"
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(slots[levels], dtype=np.int64)])
    if len(neighbours) != ends[-1] or not np.array_equal(offsets, ends.astype(np.uint64)):
        return "the neighbour lists of its graph do not match the layers of its nodes"
    if highest != levels.max() - 1 or not 0 <= entry < nodes or levels[entry] < levels.max():
        return "the entry point of its graph is not on its highest layer"
    if neighbours.min() < -1 or neighbours.max() >= nodes:
        return f"its graph leads to a node outside 0 … {nodes - 1}"
    for layer in range(1, int(levels.max())):
        above = ends[:-1][levels > layer]
        reached = neighbours[above[:, None] + np.arange(slots[layer], slots[layer + 1])]
        if (levels[reached[reached >= 0]] <= layer).any():
            return f"its graph leads on layer {layer} to a node that is not on it"
    return None
