"""What is known of the one who is asked for: the items they have, and their code."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.user_fold_in import extended_codes
from service.answers.catalogue import Catalogue
from service.answers.query import History, Source

_NOTHING = np.empty(0, np.int64)


class Person(NamedTuple):
    """A user as an answer sees them.

    Attributes:
        items: int64, rows of the items that they have, each once, the newest last as far as an
            order is known.
        code: uint8 (1, bits/8); None when nothing is known to make one of.
        source: what the code was made of; "popular" when there is none.
    """

    items: NDArray[np.int64]
    code: NDArray[np.uint8] | None
    source: Source


def person(
    catalogue: Catalogue,
    row: int | None,
    fresh: Sequence[str] = (),
    history: History | None = None,
) -> Person:
    """What is known of a user.

    A user of the release has the code that training made, from the embedding in the release; with
    items beyond those that it was trained on, the same with their messages added; anyone else has
    the code that is folded in from their items. New items, which have no message, do not count
    there.

    Args:
        catalogue: the items there are.
        row: whose row in the release; None for somebody whom it does not know.
        fresh: ids of the items that the user has taken since the release, the newest last.
        history: what the asker says they have.
    """
    given = _NOTHING if history is None else catalogue.rows_of(history.item_ids)
    if history is not None and history.instead:
        return _folded(catalogue, given)
    taken = catalogue.rows_of(fresh) if fresh else _NOTHING
    more = _each_once(taken, given)
    if row is None:
        return _folded(catalogue, more)
    seen = catalogue.release.seen[row].astype(np.int64)
    foldable = more[more < catalogue.release.n_items] if more.size else more
    if not foldable.size or np.isin(foldable, seen).all():
        code = catalogue.release.user_code(row)
        return Person(_each_once(seen, more), code, "codes")
    code = extended_codes(catalogue.release, np.array([row]), [foldable])
    return Person(_each_once(seen, more), code, "codes+history")


def _folded(catalogue: Catalogue, items: NDArray[np.int64]) -> Person:
    foldable = items[items < catalogue.release.n_items]
    if not foldable.size:
        return Person(items, None, "popular")
    return Person(items, catalogue.fold_in.codes([foldable]), "history")


def _each_once(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Both one after the other, a row in both where the second has it."""
    if not second.size:
        return first
    return np.concatenate([first[np.isin(first, second, invert=True)], second])
