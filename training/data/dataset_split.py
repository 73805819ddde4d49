"""Split the rows of a data set into train and test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.assembly import UnsplitData
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.rows.pooled_rows import PooledRows
from bitrecall.training.data.split import by_time, first_order, latest_per_user, random_per_user
from bitrecall.training.errors import DataError

__all__ = ["split_dataset"]


def split_dataset(data: UnsplitData, options: ReadOptions) -> Dataset:
    """Split rows as the options say.

    Pairs are held out by their first rows, so the test asks for new items. Rows of other pairs that
    come after the first held-out row are not part of train: they are the repeated pairs of the data
    set.

    Raises:
        DataError: the data does not have what the split needs.
    """
    if data.test is not None and options.split in (Split.AUTO, Split.GIVEN):
        return _given(data, data.train, data.test, options)
    if options.split is Split.GIVEN:
        raise DataError(
            f"{data.name} has no test file; choose the split time, latest, random or none"
        )
    rows = data.train if data.test is None else data.train.followed_by(data.test)
    pairs = rows.collapse(options.pair_weight)
    split = _auto(pairs) if options.split is Split.AUTO else options.split
    duplicates = len(rows) - len(pairs)
    if split is Split.NONE:
        return _dataset(data, split, duplicates, pairs)
    if split is Split.RANDOM:
        train, test = random_per_user(pairs, options.test_fraction, options.seed)
        return _dataset(data, split, duplicates, train, test)
    if split is Split.TIME:
        train, test = by_time(pairs, options.test_fraction)
    else:
        train, test = latest_per_user(pairs, options.test_fraction, options.seed)
    if not duplicates:
        return _dataset(data, split, duplicates, train, test)
    is_repeat = _rows_after(rows, test, split)
    is_held_out = np.isin(rows.keys(), test.keys())
    train = rows.select(~is_repeat & ~is_held_out).collapse(options.pair_weight)
    repeated = rows.select(is_repeat & ~is_held_out).collapse(options.pair_weight)
    return _dataset(data, split, duplicates, train, test, repeated)


def _auto(pairs: Interactions) -> Split:
    if pairs.ages is None:
        return Split.RANDOM
    return Split.LATEST if pairs.times is None else Split.TIME


def _given(data: UnsplitData, train: PooledRows, test: PooledRows, options: ReadOptions) -> Dataset:
    train_pairs, test_pairs = (
        train.collapse(options.pair_weight),
        test.collapse(options.pair_weight),
    )
    duplicates = len(train) - len(train_pairs) + len(test) - len(test_pairs)
    is_new = ~np.isin(test_pairs.keys(), train_pairs.keys(), assume_unique=True)
    new, repeated = test_pairs.select(is_new), test_pairs.select(~is_new)
    return _dataset(data, Split.GIVEN, duplicates, train_pairs, new, repeated)


def _rows_after(rows: PooledRows, test: Interactions, split: Split) -> NDArray[np.bool_]:
    """Return the rows that come after the first held-out row, or that of the same user."""
    order = first_order(test)
    if split is Split.TIME:
        starts = np.full(len(rows.user_ids), order.min(initial=np.inf))
    else:
        starts = np.full(len(rows.user_ids), np.inf)
        np.minimum.at(starts, test.users, order)
    return np.asarray(rows.order() > starts[rows.users])


def _dataset(
    data: UnsplitData,
    split: Split,
    duplicates: int,
    train: Interactions,
    test: Interactions | None = None,
    repeated: Interactions | None = None,
) -> Dataset:
    report = replace(
        data.report,
        split=split,
        duplicates_collapsed=duplicates,
        test_pairs_in_train=0 if repeated is None else len(repeated),
    )
    if repeated is not None and not len(repeated):
        repeated = None
    if test is None or not len(test):
        return Dataset(train, None, data.name, report, repeated)
    report = replace(
        report,
        test_users_not_in_train=int(((test.user_degrees > 0) & (train.user_degrees == 0)).sum()),
        test_items_not_in_train=int(((test.item_degrees > 0) & (train.item_degrees == 0)).sum()),
    )
    return Dataset(train, test, data.name, report, repeated)
