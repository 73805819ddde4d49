"""Split the rows of a data set into train and test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.assembly import UnsplitData
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.data.rows.pooled_rows import PooledRows
from bitrecall.training.data.split import by_time, first_order, latest_per_user, random_per_user
from bitrecall.training.errors import DataError

__all__ = ["split_dataset", "with_test_split"]


def split_dataset(data: UnsplitData, options: ReadOptions) -> Dataset:
    """Split rows as the options say.

    Pairs are held out by their first rows, so the test asks for new items. Rows of other pairs that
    come after the first held-out row are not part of train: they are the repeated pairs of the data
    set.

    Raises:
        DataError: the data does not have what the split needs.
    """
    name, report = data.name, data.report
    if data.test is not None and options.split in (Split.AUTO, Split.GIVEN):
        return _given(data, data.train, data.test, options)
    if options.split is Split.GIVEN:
        raise DataError(f"{name} has no test file; choose the split time, latest, random or none")
    rows = data.train if data.test is None else data.train.followed_by(data.test)
    del data  # the rows and two copies of the pairs take too much memory
    pairs = rows.collapse(options.pair_weight)
    split = _auto(pairs) if options.split is Split.AUTO else options.split
    report = replace(report, split=split, duplicates_collapsed=len(rows) - len(pairs))
    if split is Split.NONE:
        return Dataset(pairs, None, name, report, rows=_row_ages(rows, pairs))
    if split is Split.RANDOM:
        del rows
        return _dataset(name, report, *random_per_user(pairs, options.test_fraction, options.seed))
    if split is Split.TIME:
        held_out = by_time(pairs, options.test_fraction)
    else:
        held_out = latest_per_user(pairs, options.test_fraction, options.seed)
    repeated = ages = None
    if report.duplicates_collapsed:
        starts = _starts(pairs, held_out, split)
        pairs, repeated = _without_later_rows(pairs, held_out, rows, options, starts)
        ages = _row_ages(rows, pairs.select(~held_out), starts)
    train, test = pairs.select(~held_out), pairs.select(held_out)
    del rows
    return _dataset(name, report, train, test, repeated, ages)


def with_test_split(dataset: Dataset, test: Interactions) -> Dataset:
    """Return all interactions of a data set as train, with other interactions as test.

    Args:
        dataset: a data set without a test split.
        test: the test split, with its own vocabulary. Pairs that train also has are not part of
            the result's test split.
    """
    train = dataset.train
    user_ids, users = _joined_ids(train.user_ids, test.user_ids)
    item_ids, items = _joined_ids(train.item_ids, test.item_ids)
    train = replace(train, user_ids=user_ids, item_ids=item_ids)
    pairs = collapse(user_ids, item_ids, users[test.users], items[test.items])
    is_new = ~np.isin(pairs.keys(), train.keys(), assume_unique=True)
    report = replace(dataset.report, split=Split.GIVEN)
    return _dataset(dataset.name, report, train, pairs.select(is_new), pairs.select(~is_new))


def _joined_ids(first: list[str], second: list[str]) -> tuple[list[str], NDArray[np.int32]]:
    """Return all ids, the first ones in their order, and the rows of the second ones in them."""
    rows = {text: row for row, text in enumerate(first)}
    places = [rows.setdefault(text, len(rows)) for text in second]
    return list(rows), np.array(places, np.int32)


def _auto(pairs: Interactions) -> Split:
    if not pairs.is_ordered:
        return Split.RANDOM
    return Split.LATEST if pairs.times is None else Split.TIME


def _given(data: UnsplitData, train: PooledRows, test: PooledRows, options: ReadOptions) -> Dataset:
    train_pairs, test_pairs = (
        train.collapse(options.pair_weight),
        test.collapse(options.pair_weight),
    )
    duplicates = len(train) - len(train_pairs) + len(test) - len(test_pairs)
    report = replace(data.report, split=Split.GIVEN, duplicates_collapsed=duplicates)
    is_new = ~np.isin(test_pairs.keys(), train_pairs.keys(), assume_unique=True)
    new, repeated = test_pairs.select(is_new), test_pairs.select(~is_new)
    return _dataset(data.name, report, train_pairs, new, repeated, _row_ages(train, train_pairs))


def _starts(pairs: Interactions, held_out: NDArray[np.bool_], split: Split) -> NDArray[np.float64]:
    """Return the order of the first held-out row for each user, float64 (m,).

    For the split ``latest`` that is the first held-out row of the same user, because its pairs are
    in order only within a user.
    """
    starts = np.full(pairs.n_users, np.inf)
    if split is Split.LATEST or pairs.times is None:
        np.minimum.at(starts, pairs.users[held_out], first_order(pairs)[held_out])
    else:
        starts[:] = pairs.times[held_out].min(initial=np.inf)
    return starts


def _row_ages(
    rows: PooledRows, train: Interactions, ends: NDArray[np.float64] | None = None
) -> RowAges | None:
    return RowAges.of(train, rows.users, rows.items, rows.order, ends)


def _without_later_rows(
    pairs: Interactions,
    held_out: NDArray[np.bool_],
    rows: PooledRows,
    options: ReadOptions,
    starts: NDArray[np.float64],
) -> tuple[Interactions, Interactions | None]:
    """Leave the rows after the first held-out row out of the other pairs.

    Args:
        pairs: all pairs, with the order and the weights of all their rows.
        held_out: bool (nnz,), the held-out pairs.
        rows: the rows of all pairs.
        options: how the rows were read.
        starts: float64 (m,), for each user the order of the first held-out row.

    Returns:
        The pairs with the order and the weights of the earlier rows, and the pairs of the later
        rows.
    """
    order = pairs.order
    if order is None:
        raise ValueError("these interactions have no order")
    (changed,) = np.nonzero(~held_out & (order > starts[pairs.users]))
    if not len(changed):
        return pairs, None
    # Only the rows of these pairs are read again, usually a small part.
    rows, row_order = rows.of_keys(pairs.keys()[changed])
    is_later = row_order > starts[rows.users]
    earlier = rows.collapse(options.pair_weight, row_order, ~is_later)
    repeated = rows.collapse(options.pair_weight, row_order, is_later)
    order = order.copy()
    order[changed] = earlier.order
    weights = pairs.weights
    if weights is not None:
        weights = weights.copy()
        weights[changed] = earlier.weights
    return replace(pairs, order=order, weights=weights), repeated


def _dataset(
    name: str,
    report: ReadReport,
    train: Interactions,
    test: Interactions,
    repeated: Interactions | None = None,
    rows: RowAges | None = None,
) -> Dataset:
    """Count what the test split has, and leave out empty splits."""
    report = replace(report, test_pairs_in_train=0 if repeated is None else len(repeated))
    if repeated is not None and not len(repeated):
        repeated = None
    if not len(test):
        return Dataset(train, None, name, report, repeated, rows)
    report = replace(
        report,
        test_users_not_in_train=int(((test.user_degrees > 0) & (train.user_degrees == 0)).sum()),
        test_items_not_in_train=int(((test.item_degrees > 0) & (train.item_degrees == 0)).sum()),
    )
    return Dataset(train, test, name, report, repeated, rows)
