"""The promises of a release, checked the slow and obvious way: ``docs/release-format.md`` in
Python.

A crafted release has sizes and hashes of its own, so that only its values give it away.
"""

from itertools import pairwise
from math import isfinite, isnan
from pathlib import Path

import numpy as np

from bitrecall.index.releases.manifest import Manifest


def broken_promise(folder: Path) -> str | None:
    """The first value that cannot be, None if the release is as it may be.

    The index and the manifest's own fields are not looked at, and shapes are taken to be right.
    """
    manifest = Manifest.from_json((folder / "manifest.json").read_text("utf-8"), folder)
    files = {name: np.load(folder / f"{name}.npy") for name in _NAMES}
    users, items = manifest.users, manifest.items
    for name in ("user_embeddings", "fold_in_messages", *_FOLD_IN):
        if not all(isfinite(value) for value in files[name].ravel().tolist()):
            return f"{name} not finite"
    if any(str(value) == "-0.0" for value in files["user_embeddings"].ravel().tolist()):
        return "a sign lost"
    weights = files["seen_weights"].tolist()
    if len(weights) not in (0, manifest.seen):
        return "weights of other pairs"
    if not all(isfinite(weight) and weight > 0 for weight in weights):
        return "a weight that cannot be"
    popularity = files["popularity"].tolist()
    if popularity != sorted(popularity, reverse=True) or popularity[-1] < 0:
        return "popularity"
    for owner, n_owners, n_rows in (("seen", users, items), ("tag", None, items)):
        indptr, rows = files[f"{owner}_indptr"].tolist(), files[f"{owner}_rows"].tolist()
        if n_owners is None:
            n_owners = len(files["tag_order"])
        if indptr[0] != 0 or indptr[-1] != len(rows) or len(indptr) != n_owners + 1:
            return f"{owner} lists"
        for begin, end in pairwise(indptr):
            some = rows[begin:end]
            if begin > end or some != sorted(set(some)):
                return f"{owner} rows"
            if any(not 0 <= row < n_rows for row in some):
                return f"{owner} rows outside"
    for whose in ("user_id", "item_id", "tag", "value"):
        offsets, order = files[f"{whose}_offsets"].tolist(), files[f"{whose}_order"].tolist()
        text = files[f"{whose}_text"].tobytes()
        if offsets[0] != 0 or offsets[-1] != len(text):
            return f"{whose} offsets"
        if any(begin >= end for begin, end in pairwise(offsets)):
            return f"{whose} offsets do not rise"
        ids = [text[begin:end] for begin, end in pairwise(offsets)]
        try:
            [one.decode() for one in ids]
        except UnicodeDecodeError:
            return f"{whose} text"
        if sorted(order) != list(range(len(ids))) or len(set(ids)) < len(ids):
            return f"{whose} order"
        if [ids[row] for row in order] != sorted(ids):
            return f"{whose} not sorted"
        if whose == "tag" and order != sorted(order):
            return "tags are not in order"
    numbers = files["attribute_numbers"].ravel().tolist()
    if not all(isnan(value) or isfinite(value) for value in numbers):
        return "an attribute is infinite"
    values = len(files["value_order"])
    if not all(-1 <= text < values for text in files["attribute_texts"].ravel().tolist()):
        return "a text that there is not"
    return None


_FOLD_IN = ("fold_in_centre", "fold_in_user", "fold_in_matrix")
_NAMES = (
    *("user_embeddings", "fold_in_messages", "popularity", *_FOLD_IN),
    *(
        "seen_indptr",
        "seen_rows",
        "seen_weights",
        "attribute_numbers",
        "attribute_texts",
        "tag_indptr",
    ),
    *(f"{whose}_{part}" for whose in ("user_id", "item_id") for part in ("text", "offsets")),
    *("user_id_order", "item_id_order", "tag_text", "tag_offsets", "tag_order", "tag_rows"),
    *("value_text", "value_offsets", "value_order"),
)
