"""Codes of embeddings: the sign of each entry, with a surrogate scaled to the entry's row.

How steep a surrogate of the sign is depends on the size of an entry, and one slope must fit all
rows. So each row is divided by its mean magnitude first, which does not change signs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bitrecall.training.model.signs.sign import sign

# Entries per block, so that intermediate values stay in the L2 cache.
_ENTRIES = 65_536

_MIN_MAGNITUDE = 1e-12


def unit_magnitude(embeddings: Tensor) -> Tensor:
    """Divide each row by its mean magnitude.

    Args:
        embeddings: float (n, f).

    Returns:
        The same shape, mean |x| of 1 in each row; rows of zeros stay zeros.
    """
    return embeddings / torch.clamp(_magnitude(embeddings), min=_MIN_MAGNITUDE)


def sign_of_rows(embeddings: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
    """The sign forward, and a chosen derivative through ``unit_magnitude`` backward.

    The same as ``sign_with_slope(unit_magnitude(embeddings), slope)``, without computing or storing
    the intermediate values in the forward pass.

    Args:
        embeddings: float (n, f).
        slope: returns the surrogate of the sign's derivative for entries of rows of mean magnitude
            1, element by element.

    Returns:
        ±1, shape and dtype of ``embeddings``.
    """
    codes: Tensor = _SignOfRows.apply(embeddings, slope)  # type: ignore[no-untyped-call]
    return codes


class _SignOfRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, embeddings: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(embeddings)
        ctx.slope = slope
        codes = torch.empty_like(embeddings)
        for rows, into in _blocks(embeddings, codes):
            into.copy_(sign(rows))
        return codes

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        (embeddings,), gradient = ctx.saved_tensors, gradients[0]
        # Most items of a large catalogue are not in the sample of a step.
        used = torch.nonzero(torch.linalg.vector_norm(gradient, 1, dim=1)).flatten()
        if len(used) == len(gradient):
            return _backward(embeddings, gradient, ctx.slope), None
        product = torch.zeros_like(embeddings)
        product[used] = _backward(embeddings[used], gradient[used], ctx.slope)
        return product, None


def _backward(embeddings: Tensor, gradients: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
    product = torch.empty_like(embeddings)
    for rows, gradient, into in _blocks(embeddings, gradients, product):
        magnitude = _magnitude(rows)
        size = magnitude.clamp(min=_MIN_MAGNITUDE)
        units = rows / size
        # With m the mean of |x| and h = dL/d(x/m): dL/dx = (h − mean(h·x/m)·sgn(x)) / m.
        slopes = slope(units).mul_(gradient)
        shared = units.mul_(slopes).mean(dim=1, keepdim=True)
        shared.masked_fill_(magnitude < _MIN_MAGNITUDE, 0)
        torch.addcmul(slopes, torch.sgn(rows), shared, value=-1, out=into)
        into.div_(size)
    return product


def _magnitude(rows: Tensor) -> Tensor:
    return rows.abs().mean(dim=1, keepdim=True)


def _blocks(*matrices: Tensor) -> zip[tuple[Tensor, ...]]:
    size = max(1, _ENTRIES // max(1, matrices[0].shape[1]))
    # Other devices have no such cache, and each block costs a kernel launch.
    if matrices[0].device.type != "cpu":
        size = max(1, len(matrices[0]))
    return zip(*(torch.split(matrix, size) for matrix in matrices), strict=True)
