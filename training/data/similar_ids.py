"""Find ids that look the same to a reader but differ, and ids that look like missing values."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from bitrecall.training.data.dataset import Dataset

__all__ = ["id_warnings", "similar_ids"]

# Text, in lower case, that tools write for a missing value.
_MISSING: Final = frozenset(
    ("null", "(null)", "nan", "none", "na", "n/a", "#n/a", "<na>", "\\n", "nil", "undefined")
)
_LIST: Final = r"^[\[(]?[^\s,;|]*\d[^\s,;|]*(?:[\s,;|]+[^\s,;|]*\d[^\s,;|]*)+$"
# White space and invisible characters: no-break and zero-width spaces, direction marks.
_INVISIBLE: Final = r"[\s\u00a0\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+"


def id_warnings(dataset: Dataset) -> list[str]:
    """Return warnings about suspicious user and item ids, each with an example."""
    train = dataset.train
    warnings = []
    for role, ids, degrees in (
        ("user", train.user_ids, train.user_degrees),
        ("item", train.item_ids, train.item_degrees),
    ):
        warnings += [f"{role} ids {warning}" for warning in similar_ids(ids)]
        if role == "item" and (example := _list_of_ids(ids)) is not None:
            warnings.append(
                f"item ids look like lists of ids, such as {example!r}: each row must have one item"
            )
        column = next((getattr(use, role) for use in dataset.report.columns), "COLUMN")
        for row, name in enumerate(ids):
            if name.lower() in _MISSING and degrees[row]:
                count = f"{degrees[row]:,} pair{'s' if degrees[row] > 1 else ''}"
                warnings.append(
                    f"{role} id {name!r} ({count}) looks like a missing value; to leave it out: "
                    f"--where \"{column} != '{name}'\""
                )
    return warnings


def similar_ids(ids: Sequence[str]) -> list[str]:
    """Find ids that differ only in their spelling, such as ``7`` and ``7.0``.

    Args:
        ids: distinct ids.

    Returns:
        One sentence per kind of difference, with the number of ids and an example.
    """
    column = pl.Series("id", ids, dtype=pl.String)
    warnings = []
    for difference, fold in _FOLDS:
        folded = fold(column)
        changed = folded != column
        if not changed.any():
            continue
        if folded.n_unique() == len(folded):
            if (other := _in_other_form(fold, column.filter(~changed))) is not None:
                example = f"{column.filter(changed)[0]!a} and {other!a}"
                warnings.append(
                    f"are mixed: some differ from others {difference}, such as {example}"
                )
            continue
        alike = folded.is_duplicated()
        count = alike.sum()
        first = folded.filter(alike)[0]
        pair = column.filter(folded == first)[:2].to_list()
        # Invisible differences are escaped.
        shown = ascii if fold in _UNSEEN else repr
        example = " and ".join(map(shown, pair))
        warnings.append(f"differ only {difference}: {count:,} of them, such as {example}")
    return warnings


def _list_of_ids(ids: Sequence[str]) -> str | None:
    """Return an example if at least half of all ids look like lists: parts with digits."""
    column = pl.Series("id", ids, dtype=pl.String)
    lists = column.filter(column.str.contains(_LIST))
    return str(lists[0])[:80] if len(lists) and 2 * len(lists) >= len(column) else None


def _in_other_form(fold: Callable[[pl.Series], pl.Series], ids: pl.Series) -> str | None:
    """Return one of the ids that could also be written in the form that the fold replaces.

    Args:
        fold: one of ``_FOLDS``.
        ids: ids that the fold does not change.
    """
    if fold is _without_fraction:
        integers = ids.filter(ids.str.contains(r"^[+-]?\d+$"))
        return str(integers[0]) if len(integers) else None
    if fold is _composed:
        candidates = ids.filter(ids.str.contains(r"[^\x00-\x7f]"))
        return next(
            (text for text in candidates if unicodedata.normalize("NFD", text) != text), None
        )
    return None


def _without_fraction(ids: pl.Series) -> pl.Series:
    return ids.str.replace(r"^([+-]?\d+)\.0+$", "${1}")


def _without_zeros(ids: pl.Series) -> pl.Series:
    return ids.str.replace(r"^0+(\d+)$", "${1}")


def _in_lower_case(ids: pl.Series) -> pl.Series:
    return ids.str.to_lowercase()


def _composed(ids: pl.Series) -> pl.Series:
    not_ascii = ids.str.contains(r"[^\x00-\x7f]")
    if not not_ascii.any():
        return ids
    composed = [unicodedata.normalize("NFC", text) for text in ids.filter(not_ascii)]
    return ids.clone().scatter(not_ascii.arg_true(), composed)


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
