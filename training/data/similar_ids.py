"""Ids that people would take for one and the same, and that are different."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from training.data.dataset import Dataset

__all__ = ["similar_ids", "warnings_of_ids"]

# White space and marks that are seen nowhere: no-break spaces, zero-width ones, directions.
_INVISIBLE: Final = r"[\s\u00a0\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+"


def warnings_of_ids(dataset: Dataset) -> list[str]:
    """Warnings, each with an example, about ids of users and of items that differ invisibly."""
    train = dataset.train
    return [
        f"{role} ids {warning}"
        for role, ids in (("user", train.user_ids), ("item", train.item_ids))
        for warning in similar_ids(ids)
    ]


def similar_ids(ids: Sequence[str]) -> list[str]:
    """What is to be said of ids that differ in nothing that people would mean.

    Args:
        ids: all different.

    Returns:
        A sentence for each kind of difference that there is, with how many ids and an example.
    """
    column = pl.Series("id", ids, dtype=pl.String)
    found = []
    for difference, fold in _FOLDS:
        folded = fold(column)
        if not (folded != column).any() or folded.n_unique() == len(folded):
            continue
        alike = folded.is_duplicated()
        count = alike.sum()
        first = folded.filter(alike)[0]
        # Escaped where it would not be seen.
        pair = column.filter(folded == first)[:2].to_list()
        example = " and ".join(ascii(one) if fold in _UNSEEN else repr(one) for one in pair)
        found.append(f"differ only {difference}: {count:,} of them, such as {example}")
    return found


def _without_fraction(ids: pl.Series) -> pl.Series:
    return ids.str.replace(r"^([+-]?\d+)\.0+$", "${1}")


def _without_zeros(ids: pl.Series) -> pl.Series:
    return ids.str.replace(r"^0+(\d+)$", "${1}")


def _in_lower_case(ids: pl.Series) -> pl.Series:
    return ids.str.to_lowercase()


def _composed(ids: pl.Series) -> pl.Series:
    other = ids.str.contains(r"[^\x00-\x7f]")
    if not other.any():
        return ids
    normal = [unicodedata.normalize("NFC", one) for one in ids.filter(other)]
    return ids.clone().scatter(other.arg_true(), normal)


def _without_invisible(ids: pl.Series) -> pl.Series:
    return ids.str.replace_all(_INVISIBLE, " ").str.replace_all(" ", "", literal=True)


_UNSEEN: Final = (_composed, _without_invisible)
_FOLDS: Final[tuple[tuple[str, Callable[[pl.Series], pl.Series]], ...]] = (
    ("in .0 at the end", _without_fraction),
    ("in zeros at the front", _without_zeros),
    ("in upper and lower case", _in_lower_case),
    ("in how accents are encoded (Unicode NFC and NFD)", _composed),
    ("in blanks or invisible characters inside", _without_invisible),
)
