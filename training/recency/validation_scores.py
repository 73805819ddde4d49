"""Scores of users' codes on held-out items, for the choice of a recency."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.fresh_items import TrainedUsers, extended_embedding, recent_sum
from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.recency import lean
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import pack_signs
from bitrecall.training.metrics import GroundTruth, find_hits, ndcg_at, recall_at

_CUTOFF: Final = 20

Rows = NDArray[np.integer[Any]]


class ValidationScores:
    """Scores the codes of users that are made from their items in order.

    Args:
        contents: a release of the model that was trained without the held-out items.
        users: rows of users, (b,).
        histories: the training items of each user, the newest last.
        fresh: for each user the first held-out items, in order; the code may depend on them.
        targets: for each user the items to find, at least one.
    """

    def __init__(
        self,
        contents: ReleaseContents,
        users: Rows,
        histories: Sequence[Rows],
        fresh: Sequence[Rows],
        targets: Sequence[Rows],
    ) -> None:
        self._trained: TrainedUsers = contents
        self._users = users
        self._histories = histories
        self._fresh = fresh
        self._truth = GroundTruth.from_lists(targets)
        self._exclude = [
            np.union1d(history, items).astype(np.int32)
            for history, items in zip(histories, fresh, strict=True)
        ]
        self._depth = min(_CUTOFF, len(contents.item_codes))
        self._index = FlatBackend.build(contents.item_codes)
        self._recent: dict[float, NDArray[np.float64]] = {}

    def of_known(self, strength: float, decay: float) -> NDArray[np.float64]:
        """Score the codes of known users with the fresh items.

        Returns:
            For each user the mean of Recall@20 and NDCG@20, float64 (b,).
        """
        if not strength:
            return self._score(pack_signs(self._embeddings))
        if decay not in self._recent:
            self._recent[decay] = np.array(
                [
                    recent_sum(self._trained, user, items, decay)
                    for user, items in zip(self._users.tolist(), self._fresh, strict=True)
                ]
            )
        return self._score(pack_signs(lean(self._embeddings, self._recent[decay], strength)))

    def of_unknown(self, decay: float | None) -> NDArray[np.float64]:
        """Score the codes that unknown users with these training items would get."""
        fold_in = UserFoldIn(self._trained.fold_in_messages, self._fold_in_map, decay=decay)
        return self._score(fold_in.codes(self._histories))

    @cached_property
    def _embeddings(self) -> NDArray[np.float64]:
        return np.array(
            [
                extended_embedding(self._trained, user, items).astype(np.float64)
                for user, items in zip(self._users.tolist(), self._fresh, strict=True)
            ]
        )

    @cached_property
    def _fold_in_map(self) -> FoldInMap:
        trained = self._trained
        return FoldInMap.fit(trained.fold_in_messages, trained.user_embeddings, trained.seen)

    def _score(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        ranked = self._index.search(codes, self._depth, self._exclude)[1].astype(np.int64)
        hits, sizes = find_hits(ranked, self._truth), self._truth.sizes
        score = (recall_at(hits, sizes, self._depth) + ndcg_at(hits, sizes, self._depth)) / 2
        return np.asarray(score, np.float64)
