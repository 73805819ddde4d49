"""Ids that people would take for one and the same, and that are different."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from bitrecall.training.data.dataset import Dataset

__all__ = ["similar_ids", "warnings_of_ids"]

# In lower case; text that tools write for a value that is not there.
_MISSING: Final = frozenset(
    ("null", "(null)", "nan", "none", "na", "n/a", "#n/a", "<na>", "\\n", "nil", "undefined")
)
_LIST: Final = r"^[\[(]?[^\s,;|]*\d[^\s,;|]*(?:[\s,;|]+[^\s,;|]*\d[^\s,;|]*)+$"
# White space and marks that are seen nowhere: no-break spaces, zero-width ones, directions.
_INVISIBLE: Final = r"[\s\u00a0\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+"


def warnings_of_ids(dataset: Dataset) -> list[str]:
    """Warnings, each with an example, about ids of users and of items that differ invisibly."""
    train = dataset.train
    found = []
    for role, ids, degrees in (
        ("user", train.user_ids, train.user_degrees),
        ("item", train.item_ids, train.item_degrees),
    ):
        found += [f"{role} ids {warning}" for warning in similar_ids(ids)]
        if role == "item" and (listed := _list_of_ids(ids)) is not None:
            found.append(f"item ids look like lists of ids, such as {listed!r}: a row is one item")
        column = next((getattr(use, role) for use in dataset.report.columns), "COLUMN")
        for row, one in enumerate(ids):
            if one.lower() in _MISSING and degrees[row]:
                found.append(
                    f"{role} id {one!r}, of {degrees[row]:,} pairs, looks like a missing value; "
                    f"--where \"{column} != '{one}'\" leaves it out"
                )
    return found


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
        changed = folded != column
        if not changed.any():
            continue
        if folded.n_unique() == len(folded):
            if (other := _in_other_form(fold, column.filter(~changed))) is not None:
                mixed = f"{column.filter(changed)[0]!a} and {other!a}"
                found.append(f"are mixed: some differ from others {difference}, such as {mixed}")
            continue
        alike = folded.is_duplicated()
        count = alike.sum()
        first = folded.filter(alike)[0]
        # Escaped where it would not be seen.
        pair = column.filter(folded == first)[:2].to_list()
        example = " and ".join(ascii(one) if fold in _UNSEEN else repr(one) for one in pair)
        found.append(f"differ only {difference}: {count:,} of them, such as {example}")
    return found


def _list_of_ids(ids: Sequence[str]) -> str | None:
    """An id that is a list, if at least half of all are: parts with digits in them."""
    column = pl.Series("id", ids, dtype=pl.String)
    lists = column.filter(column.str.contains(_LIST))
    return str(lists[0])[:80] if len(lists) and 2 * len(lists) >= len(column) else None


def _in_other_form(fold: Callable[[pl.Series], pl.Series], ids: pl.Series) -> str | None:
    """Among ids that a fold leaves as they are, one that it might have made of another form."""
    if fold is _without_fraction:
        found = ids.filter(ids.str.contains(r"^[+-]?\d+$"))
        return str(found[0]) if len(found) else None
    if fold is _composed:
        other = ids.filter(ids.str.contains(r"[^\x00-\x7f]"))
        return next((one for one in other if unicodedata.normalize("NFD", one) != one), None)
    return None


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
