"""The rules of ``docs/release-format.md`` in plain Python, to check crafted releases.

A crafted release has sizes and hashes that match, so only its values can reveal it.
"""

from itertools import pairwise
from math import isfinite, isnan
from pathlib import Path

import numpy as np

from bitrecall.index.releases.manifest import Manifest


def broken_rule(folder: Path) -> str | None:
    """Return the first rule that the values of a release break, or None.

    The index and the fields of the manifest are not checked, and shapes are assumed to be right.
    """
    manifest = Manifest.from_json((folder / "manifest.json").read_text("utf-8"), folder)
    files = {name: np.load(folder / f"{name}.npy") for name in _NAMES}
    users, items = manifest.users, manifest.items
    for name in ("user_embeddings", "fold_in_messages", *_FOLD_IN):
        if not all(isfinite(value) for value in files[name].ravel().tolist()):
            return f"{name} not finite"
    if any(str(value) == "-0.0" for value in files["user_embeddings"].ravel().tolist()):
        return "a lost sign"
    weights = files["seen_weights"].tolist()
    if len(weights) not in (0, manifest.seen):
        return "number of weights"
    if not all(isfinite(weight) and weight > 0 for weight in weights):
        return "invalid weight"
    ages = files["seen_ages"].tolist()
    if len(ages) not in (0, manifest.seen) or (manifest.recency and not ages):
        return "number of ages"
    for begin, end in pairwise(files["seen_indptr"].tolist()):
        if any(age >= end - begin for age in ages[begin:end]):
            return "invalid age"
    counts, decayed = files["seen_counts"].tolist(), files["seen_decayed"].tolist()
    if not len(counts) == len(decayed) == (manifest.seen if manifest.repeats else 0):
        return "number of counts"
    if not all(
        count > 0 and 0 <= share <= count for count, share in zip(counts, decayed, strict=True)
    ):
        return "invalid count"
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
            owned = rows[begin:end]
            if begin > end or owned != sorted(set(owned)):
                return f"{owner} rows"
            if any(not 0 <= row < n_rows for row in owned):
                return f"{owner} rows outside"
    for kind in ("user_id", "item_id", "tag", "value"):
        offsets, order = files[f"{kind}_offsets"].tolist(), files[f"{kind}_order"].tolist()
        text = files[f"{kind}_text"].tobytes()
        if offsets[0] != 0 or offsets[-1] != len(text):
            return f"{kind} offsets"
        if any(begin >= end for begin, end in pairwise(offsets)):
            return f"{kind} offsets do not rise"
        ids = [text[begin:end] for begin, end in pairwise(offsets)]
        try:
            [encoded.decode() for encoded in ids]
        except UnicodeDecodeError:
            return f"{kind} text"
        if sorted(order) != list(range(len(ids))) or len(set(ids)) < len(ids):
            return f"{kind} order"
        if [ids[row] for row in order] != sorted(ids):
            return f"{kind} not sorted"
        if kind == "tag" and order != sorted(order):
            return "tags are not in order"
    numbers = files["attribute_numbers"].ravel().tolist()
    if not all(isnan(value) or isfinite(value) for value in numbers):
        return "an attribute is infinite"
    values = len(files["value_order"])
    if not all(-1 <= text < values for text in files["attribute_texts"].ravel().tolist()):
        return "unknown text"
    return None


_FOLD_IN = ("fold_in_centre", "fold_in_user", "fold_in_matrix")
_NAMES = (
    *("user_embeddings", "fold_in_messages", "popularity", *_FOLD_IN),
    *(
        "seen_indptr",
        "seen_rows",
        "seen_weights",
        "seen_ages",
        "seen_counts",
        "seen_decayed",
        "attribute_numbers",
        "attribute_texts",
        "tag_indptr",
    ),
    *(f"{kind}_{part}" for kind in ("user_id", "item_id") for part in ("text", "offsets")),
    *("user_id_order", "item_id_order", "tag_text", "tag_offsets", "tag_order", "tag_rows"),
    *("value_text", "value_offsets", "value_order"),
)
