"""The rule for the code of a user, used by the service, evaluation, the gate and notebooks.

| user    | items beyond training | code                                        | source          |
|---------|-----------------------|---------------------------------------------|-----------------|
| known   | no                    | the published code                          | "codes"         |
| known   | yes                   | from the trained embedding and the messages | "codes+history" |
| unknown | yes                   | folded in from the messages                 | "history"       |
| unknown | no                    | none; the popular list is shown instead     | "popular"       |

If the release has a recency (``bitrecall.index.releases.recency``), the newest items count more.
With e the trained embedding, x the sum that a known user gets without recency, M_i the items'
messages, D = Σ exp(-age/τ) M_i over a known user's items, and |·| the mean magnitude:

| user    | items beyond training | code                                                          |
|---------|-----------------------|---------------------------------------------------------------|
| known   | no                    | sgn(e/|e| + g D/|D|), made when published: g = known_strength |
| known   | yes                   | sgn(x/|x| + g D/|D|): g = fresh_strength                      |
| unknown | yes                   | folded in from the mean message, weighted by exp(-age/τ)      |

A training item that a user takes again then is an item beyond training: the newest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.fresh_items import extended_codes
from bitrecall.index.fold_in.item_sets import contains_all
from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.index.releases.release import Release

_NO_ITEMS = np.empty(0, np.int64)

CodeSource = Literal["codes", "codes+history", "history", "popular"]


class UserCode(NamedTuple):
    """The code of one user.

    Attributes:
        code: uint8 (1, bits/8); None if the source is "popular".
        source: what the code was made from.
    """

    code: NDArray[np.uint8] | None
    source: CodeSource


class UserCodes(NamedTuple):
    """The codes of several users.

    Attributes:
        codes: uint8 (b, bits/8); zeros for users without a code.
        sources: what each code was made from; "popular" for users without one.
    """

    codes: NDArray[np.uint8]
    sources: Sequence[CodeSource]

    def has_code(self) -> NDArray[np.bool_]:
        """Return whether each user has a code, bool (b,)."""
        return np.array([source != "popular" for source in self.sources], np.bool_)


class UserEncoder:
    """Makes the codes of users for a release. Thread-safe.

    Args:
        release: the release.
        fold_in: makes the codes of unknown users; built from the release by default.
    """

    def __init__(self, release: Release, fold_in: UserFoldIn | None = None) -> None:
        self._release = release
        self._fold_in = fold_in or UserFoldIn.of(release)
        self._magnitudes: dict[int, float] = {}
        recency = release.recency
        self._recency = recency if recency is not None and recency.fresh_strength else None

    def encode(self, user: int | None, items: NDArray[np.integer[Any]]) -> UserCode:
        """Return the code of one user.

        Args:
            user: row in the release; None for a user not in the release.
            items: rows of the user's items beyond the training data, the newest last; the last of
                several occurrences counts. New items (rows from ``n_items``) have no message and
                are ignored. The order matters only if the release has a recency.

        Raises:
            SearchError: a row is negative, or the user does not exist.
        """
        items = self._foldable(items)
        source = self._source(user, items)
        if source == "popular":
            return UserCode(None, source)
        if user is None:
            return UserCode(self._fold_in.codes([items]), source)
        if source == "codes":
            return UserCode(self._release.user_code(user), source)
        return UserCode(self._extended_codes(np.array([user]), [items]), source)

    def encode_many(
        self,
        users: Sequence[int | None],
        items: Sequence[NDArray[np.integer[Any]]] | None = None,
    ) -> UserCodes:
        """Return the codes of several users.

        Args:
            users: as in ``encode``.
            items: as in ``encode``; None if no user has items beyond the training data.

        Raises:
            SearchError: as in ``encode``.
        """
        codes = np.zeros((len(users), self._release.bits // 8), np.uint8)
        foldable = [self._foldable(rows) for rows in items or [_NO_ITEMS] * len(users)]
        sources = [self._source(user, rows) for user, rows in zip(users, foldable, strict=True)]
        by_source: dict[CodeSource, list[int]] = {}
        for position, source in enumerate(sources):
            by_source.setdefault(source, []).append(position)
        for source, positions in by_source.items():
            if source == "popular":
                continue
            additions = [foldable[position] for position in positions]
            if source == "history":
                codes[positions] = self._fold_in.codes(additions)
                continue
            rows = np.array([users[position] for position in positions], np.int64)
            if source == "codes":
                codes[positions] = self._release.user_codes(rows)
            else:
                codes[positions] = self._extended_codes(rows, additions)
        return UserCodes(codes, sources)

    def _extended_codes(
        self, users: NDArray[np.int64], additions: Sequence[NDArray[np.integer[Any]]]
    ) -> NDArray[np.uint8]:
        return extended_codes(self._release, users, additions, self._magnitudes, self._recency)

    def _foldable(self, items: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        return items[items < self._release.n_items] if items.size else items

    def _source(self, user: int | None, foldable: NDArray[np.integer[Any]]) -> CodeSource:
        if user is None:
            return "history" if foldable.size else "popular"
        if not foldable.size:
            return "codes"
        if self._recency is None and contains_all(self._release.seen[user], foldable):
            return "codes"
        return "codes+history"
