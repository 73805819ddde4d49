"""Checks of the arrays of an opened release against the manifest and against each other.

All of them raise ReleaseDamagedError with the path of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import ReleaseDamagedError
from bitrecall.index.releases.array_checks import has_negative_zero, is_finite
from bitrecall.index.releases.contents import weights_fault
from bitrecall.index.releases.files import ARRAYS, CODES_NAME, MANIFEST_NAME
from bitrecall.index.releases.manifest import Manifest
from bitrecall.index.releases.recency import ages_fault
from bitrecall.index.releases.repeats import counts_fault
from bitrecall.index.releases.row_lists import RowLists


def check_shapes(path: Path, manifest: Manifest, arrays: dict[str, NDArray[Any]]) -> None:
    """Compare the shapes of the arrays with the counts in the manifest."""
    users, items, bits = manifest.users, manifest.items, manifest.bits
    if not users or not items or not bits or bits % 8:
        raise ReleaseDamagedError(
            f"has invalid counts: {users} users and {items} items of {bits} bits",
            path / MANIFEST_NAME,
        )
    leans = manifest.recency is not None and manifest.recency.known_strength > 0
    for name, shape in (
        (CODES_NAME, (items, bits // 8)),
        ("user_embeddings.npy", (users, bits)),
        ("fold_in_messages.npy", (items, bits)),
        ("fold_in_centre.npy", (bits,)),
        ("fold_in_user.npy", (bits,)),
        ("fold_in_matrix.npy", (bits, bits)),
        ("popularity.npy", (items,)),
        ("seen_indptr.npy", (users + 1,)),
        ("seen_rows.npy", (manifest.seen,)),
        ("user_id_order.npy", (users,)),
        ("item_id_order.npy", (items,)),
        ("leaning_codes.npy", (users if leans else 0, bits // 8)),
    ):
        if arrays[name].shape != shape:
            raise ReleaseDamagedError(
                f"has shape {arrays[name].shape}: expected {shape} from the counts", path / name
            )


def check_values(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Repeat the checks of values in ``ReleaseContents.check``."""
    for name, array in arrays.items():
        is_embedding = ARRAYS[name] is None or name.startswith("fold_in_")
        if is_embedding and not is_finite(array):
            raise ReleaseDamagedError("contains NaN or infinity", path / name)
    embeddings, popularity = arrays["user_embeddings.npy"], arrays["popularity.npy"]
    if embeddings.dtype == np.float16 and has_negative_zero(embeddings):
        raise ReleaseDamagedError(
            "contains -0.0, a negative value that lost its sign", path / "user_embeddings.npy"
        )
    if (popularity[1:] > popularity[:-1]).any() or popularity[-1] < 0:
        raise ReleaseDamagedError("is not descending, or is negative", path / "popularity.npy")


def check_interactions(
    path: Path,
    manifest: Manifest,
    seen: RowLists,
    weights: NDArray[np.float32] | None,
    ages: NDArray[np.uint16] | None,
) -> None:
    """Check the training interactions, their weights and their ages."""
    if fault := seen.fault(manifest.users, manifest.items):
        raise ReleaseDamagedError(fault, path / "seen_rows.npy")
    if weights is not None and (fault := weights_fault(weights, manifest.seen)):
        raise ReleaseDamagedError(fault, path / "seen_weights.npy")
    if ages is not None and (fault := ages_fault(ages, seen)):
        raise ReleaseDamagedError(fault, path / "seen_ages.npy")
    if ages is None and manifest.recency is not None:
        raise ReleaseDamagedError(
            "is empty, but the manifest has a recency", path / "seen_ages.npy"
        )


def check_repeats(
    path: Path,
    manifest: Manifest,
    seen: RowLists,
    counts: NDArray[np.uint16] | None,
    decayed: NDArray[np.float16] | None,
) -> None:
    """Check how often users took their training items: known if the manifest has repeats."""
    if manifest.repeats is None:
        for name, array in (("seen_counts.npy", counts), ("seen_decayed.npy", decayed)):
            if array is not None:
                raise ReleaseDamagedError(
                    "is not empty, but the manifest has no repeats", path / name
                )
        return
    if counts is None or decayed is None:
        name = "seen_counts.npy" if counts is None else "seen_decayed.npy"
        raise ReleaseDamagedError("is empty, but the manifest has repeats", path / name)
    if fault := counts_fault(counts, decayed, seen):
        raise ReleaseDamagedError(fault, path / "seen_decayed.npy")
