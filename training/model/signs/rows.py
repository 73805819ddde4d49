"""Codes of embeddings: the sign of each entry, a surrogate in its row's own units behind it.

Where a surrogate of the sign is steep is a matter of an entry's size, and one slope has to do for
all rows. So each is divided by its mean magnitude first, which no sign depends on.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bitrecall.training.model.signs.sign import sign

# Entries at a time, so that what is made of them on the way stays in a processor's second cache.
_ENTRIES = 65_536

_LEAST = 1e-12


def unit_magnitude(embeddings: Tensor) -> Tensor:
    """Divide each row by its mean magnitude.

    Args:
        embeddings: float (n, f).

    Returns:
        The same shape, mean |x| of 1 in each row; rows of zeros stay zeros.
    """
    return embeddings / torch.clamp(_magnitude(embeddings), min=_LEAST)


def sign_of_rows(embeddings: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
    """The sign forward, and backward through ``unit_magnitude`` and a derivative of one's choice.

    The same as ``sign_with_slope(unit_magnitude(embeddings), slope)``, but what is between the two
    is neither made on the way forward nor kept for the way back.

    Args:
        embeddings: float (n, f).
        slope: takes entries of rows of mean magnitude 1 to what stands for the sign's derivative
            there, entry by entry.

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
        (embeddings,) = ctx.saved_tensors
        found = torch.empty_like(embeddings)
        for rows, gradient, into in _blocks(embeddings, gradients[0], found):
            magnitude = _magnitude(rows)
            size = magnitude.clamp(min=_LEAST)
            units = rows / size
            # With m the mean of |x| and h = dL/d(x/m): dL/dx = (h − mean(h·x/m)·sgn(x)) / m.
            slopes = ctx.slope(units).mul_(gradient)
            shared = units.mul_(slopes).mean(dim=1, keepdim=True)
            shared.masked_fill_(magnitude < _LEAST, 0)
            torch.addcmul(slopes, torch.sgn(rows), shared, value=-1, out=into)
            into.div_(size)
        return found, None


def _magnitude(rows: Tensor) -> Tensor:
    return rows.abs().mean(dim=1, keepdim=True)


def _blocks(*matrices: Tensor) -> zip[tuple[Tensor, ...]]:
    size = max(1, _ENTRIES // max(1, matrices[0].shape[1]))
    # Elsewhere than on a processor there is no such cache, and each block costs a start.
    if matrices[0].device.type != "cpu":
        size = max(1, len(matrices[0]))
    return zip(*(torch.split(matrix, size) for matrix in matrices), strict=True)
