"""Initial free embeddings: the truncated SVD of the normalised adjacency, or random values."""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.model.graph import NormalisedGraph
from bitrecall.training.model.svd import randomised_svd

_OVERSAMPLING = 16


def spectral_start(
    graph: NormalisedGraph, bits: int, seed: int, power: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Compute the leading singular vectors of R̂, scaled by a power of the singular values.

    With a power of 1/2, inner products are the best rank-``bits`` approximation of R̂. A larger
    power emphasises the leading directions, which generalise better and contain less noise.
    One random rotation is applied to both factors: inner products stay the same, and the leading
    directions are spread over all bits.

    Args:
        graph: the normalised graph of the training pairs.
        bits: f, the length of the embeddings.
        seed: seeds the randomised SVD (Halko et al., 2011) and the rotation.
        power: exponent of the singular values in each factor.

    Returns:
        float32 (n_users, f) and float32 (n_items, f).
    """
    matrix = graph.users_to_items
    smaller = min(matrix.shape)
    # Not the global generator: torch.manual_seed imports torch's compiler, a second of CPU time.
    generator = torch.Generator(matrix.device).manual_seed(seed)
    rank = min(bits + _OVERSAMPLING, smaller)
    left, values, right = randomised_svd(matrix, graph.items_to_users, rank, generator)
    keep = min(bits, rank)
    scale = values[:keep].clamp(min=0) ** power
    rotation = _random_rotation(bits, generator)[:keep]
    users = (left[:, :keep] * scale) @ rotation
    items = (right[:, :keep] * scale) @ rotation
    return users, items


def random_start(graph: NormalisedGraph, bits: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw standard normal embeddings, for comparison with ``spectral_start``.

    Returns:
        float32 (n_users, f) and float32 (n_items, f).
    """
    generator = torch.Generator().manual_seed(seed)
    n_users, n_items = graph.users_to_items.shape
    both = torch.randn(n_users + n_items, bits, generator=generator).to(graph.users_to_items.device)
    return both[:n_users], both[n_users:]


def _random_rotation(size: int, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(size, size, device=generator.device, generator=generator)
    rotation, triangle = torch.linalg.qr(drawn)
    # These signs make the rotation uniform over the orthogonal group (Mezzadri, 2007).
    uniform: Tensor = rotation * torch.sign(torch.diagonal(triangle))
    return uniform
