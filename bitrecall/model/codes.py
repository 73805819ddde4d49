"""Codes as arrays, for use in another index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bitrecall.errors import ArgumentError
from bitrecall.index.search.packing import unpack_signs
from bitrecall.model.ids import Ids

if TYPE_CHECKING:
    from bitrecall.index.releases.release import Release

__all__ = ["Codes", "codes_of_users"]


class Codes:
    """The codes of users or items, one row each, as packed bits and as signs.

    Attributes:
        packed: uint8 (n, bits/8), the format of ``faiss.IndexBinaryFlat``. Sign j is bit j % 8 of
            byte j // 8, counted from the least significant bit; the bit is set for +1.
    """

    def __init__(self, packed: NDArray[np.uint8]) -> None:
        self.packed = packed

    @property
    def signs(self) -> NDArray[np.int8]:
        """The codes as ±1, int8 (n, bits)."""
        return unpack_signs(self.packed)

    def __len__(self) -> int:
        return len(self.packed)

    def __repr__(self) -> str:
        return f"<{len(self):,} codes of {self.packed.shape[1] * 8} bits>"


def codes_of_users(release: Release, user_ids: Sequence[str]) -> Codes:
    """Return the codes of users, one row each.

    Raises:
        ArgumentError: a user is not in the release.
    """
    rows = []
    for user_id in user_ids:
        row = release.users.row_of(user_id)
        if row is None:
            suggestion = Ids(release.users).suggestion(user_id)
            raise ArgumentError(
                f"user {user_id[:200]!r} is not in release {release.id}{suggestion}", "user_ids"
            )
        rows.append(row)
    return Codes(release.user_codes(np.array(rows, np.int64)))
