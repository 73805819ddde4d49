"""A release as an object to ask: ``bitrecall.Model``."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bitrecall.arguments import check_k, id_text, id_texts
from bitrecall.errors import ArgumentError
from bitrecall.extras import extra_needed
from bitrecall.index.errors import UnknownItemError
from bitrecall.index.recommend.lookups import item_info, most_popular, user_info
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import History, QueryOptions
from bitrecall.keyword_messages import errors_as_keywords
from bitrecall.model.answers import recommendations, similar_items
from bitrecall.model.codes import Codes
from bitrecall.model.filters import item_filter
from bitrecall.model.ids import Ids
from bitrecall.results import (
    Evaluation,
    ItemInfo,
    PopularItem,
    PopularItems,
    RecommendationLists,
    Recommendations,
    SimilarItems,
    UserInfo,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from bitrecall.index.releases.release import Release
    from bitrecall.model.reading import Events, ReadKeywords
    from bitrecall.training.data.interactions import Interactions

__all__ = ["Model"]

# Users that are searched for at once, which bounds the memory of many.
_TOGETHER = 1024
DEFAULT_KS = (20, 50, 100)


class Model:
    """A release, ready to recommend; from ``bitrecall.fit`` or ``bitrecall.load``.

    Safe to use from several threads. Ids are text; integers are taken for their decimal text.

    Args:
        release: opened release.
        held_out: interactions that were held out of its training, for ``evaluate``.
        temporary: folder that the release is in, to be removed with the model.
    """

    def __init__(
        self,
        release: Release,
        *,
        held_out: Interactions | None = None,
        temporary: Path | None = None,
    ) -> None:
        self._release = release
        self._held_out = held_out
        self._recommender = Recommender(release)
        if temporary is not None:
            weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)

    def __repr__(self) -> str:
        release = self._release
        return (
            f"<Model {release.id}: {release.n_users:,} users, {release.n_items:,} items, "
            f"{release.bits} bits>"
        )

    @property
    def release_id(self) -> str:
        """The id of the release that answers."""
        return self._release.id

    @property
    def bits(self) -> int:
        """Bits in a code."""
        return self._release.bits

    @property
    def users(self) -> Ids:
        """The ids of the users that training knows, in the rows of the codes."""
        return Ids(self._release.users)

    @property
    def items(self) -> Ids:
        """The ids of the items, the most popular first, in the rows of ``item_codes``."""
        return Ids(self._release.items)

    @property
    def metrics(self) -> Mapping[str, float | int | str]:
        """What was measured on the test split when the release was published."""
        return self._release.manifest.metrics

    def recommend(
        self,
        user_id: str | int | None = None,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        exclude_items: Iterable[str | int] = (),
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - as in the HTTP API
        history: Iterable[str | int] | None = None,
        history_mode: Literal["instead", "add"] = "instead",
        explain: bool = False,
    ) -> Recommendations:
        """The items whose codes are nearest the user's.

        A user of whom nothing is known gets the most popular items.

        Args:
            user_id: the user; may be left out if there is a history.
            k: how many items; fewer come back when fewer are allowed.
            exclude_seen: leave out the items that the user has.
            exclude_items: ids of items to leave out; unknown ones do no harm.
            filter: which items are wanted, as in the HTTP API: ``{"any_tags": ["noir"]}``,
                ``{"where": {"year": {"gte": 1990}}}``.
            history: ids of items that the user has, the newest last.
            history_mode: ``instead`` of what is known of the user, or ``add`` to it.
            explain: say for each item which of the user's own it is like.

        Raises:
            ArgumentError: an argument cannot be used.
            FilterError: the filter is malformed, or no item has an attribute that it names.
        """
        user = None if user_id is None else id_text(user_id, "user_id")
        if user is None and history is None:
            raise ArgumentError("recommend needs a user_id or a history", "user_id")
        if history_mode not in ("instead", "add"):
            raise ArgumentError(
                f"history_mode has to be 'instead' or 'add', not {history_mode!r}", "history_mode"
            )
        given = None
        if history is not None:
            given = History(id_texts(history, "history"), instead=history_mode == "instead")
        options = self._options(k, exclude_seen, exclude_items, filter, explain)
        return recommendations(self._recommender.recommend(user, options, given))

    def recommend_many(
        self,
        user_ids: Iterable[str | int],
        k: int = 10,
        *,
        exclude_seen: bool = True,
        exclude_items: Iterable[str | int] = (),
        filter: Mapping[str, Any] | None = None,  # noqa: A002
        explain: bool = False,
    ) -> RecommendationLists:
        """As ``recommend``, for several users at once."""
        users = id_texts(user_ids, "user_ids")
        options = self._options(k, exclude_seen, exclude_items, filter, explain)
        answers = [
            recommendations(answer)
            for start in range(0, len(users), _TOGETHER)
            for answer in self._recommender.recommend_many(
                users[start : start + _TOGETHER], options
            )
        ]
        return RecommendationLists(tuple(answers))

    def similar(
        self,
        item_id: str | int,
        k: int = 10,
        *,
        exclude_items: Iterable[str | int] = (),
        filter: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> SimilarItems:
        """The items whose codes are nearest an item's, itself left out.

        Raises:
            UnknownItemError: there is no such item.
            ArgumentError, FilterError: as ``recommend``.
        """
        item = id_text(item_id, "item_id")
        options = self._options(k, True, exclude_items, filter, False)
        try:
            return similar_items(item, self._recommender.similar(item, options))
        except UnknownItemError as error:
            meant = self.items.similar_to(item)
            if meant is None:
                raise
            raise UnknownItemError(f"{error}; did you mean {meant!r}?") from None

    def popular(self, k: int = 10) -> PopularItems:
        """The most popular items of the training data."""
        items = most_popular(self._recommender, check_k(k))
        return PopularItems(tuple(PopularItem(*item) for item in items), self.release_id)

    def user(self, user_id: str | int) -> UserInfo:
        """What is known of a user, who need not be known."""
        return user_info(self._recommender, id_text(user_id, "user_id"))

    def item(self, item_id: str | int) -> ItemInfo:
        """What is known of an item, which need not be known."""
        return item_info(self._recommender, id_text(item_id, "item_id"))

    def find_users(self, prefix: str = "", k: int = 10) -> list[str]:
        """The first ids of users that start with a text, in the order of their bytes."""
        users = self._release.users
        return users.ids_of(users.starting_with(prefix, check_k(k)))

    def find_items(self, prefix: str = "", k: int = 10) -> list[str]:
        """The first ids of items that start with a text, in the order of their bytes."""
        items = self._release.items
        return items.ids_of(items.starting_with(prefix, check_k(k)))

    def codes(self, user_ids: str | int | Iterable[str | int]) -> Codes:
        """The codes of one user or several, a row for each.

        Raises:
            ArgumentError: a user is not known to training.
        """
        if isinstance(user_ids, str) or not isinstance(user_ids, Iterable):
            user_ids = [user_ids]
        rows = []
        for user in id_texts(user_ids, "user_ids"):
            row = self._release.users.row_of(user)
            if row is None:
                meant = self.users.similar_to(user)
                more = f"; did you mean {meant!r}?" if meant else ""
                raise ArgumentError(
                    f"user {user[:200]!r} is not in release {self.release_id}{more}", "user_ids"
                )
            rows.append(row)
        return Codes(self._release.user_codes(np.array(rows, np.int64)))

    def item_codes(self) -> Codes:
        """The codes of all items, in the rows of ``items``; memory-mapped, not to be written."""
        return Codes(self._release.item_codes)

    def evaluate(
        self,
        test: Events | None = None,
        ks: Sequence[int] = DEFAULT_KS,
        *,
        exclude_seen: bool = True,
        progress: bool | None = None,
        **reading: Unpack[ReadKeywords],
    ) -> Evaluation:
        """Measure the lists on held-out interactions, as ``bitrecall evaluate`` does.

        Args:
            test: interactions that training has not seen, as ``bitrecall.fit`` takes them; None
                takes those that ``fit`` held out. Of a folder with train and test files, and of
                ``"sample"``, the test split counts; of anything else all rows, unless ``split``
                says how to cut one.
            ks: lengths of the lists to judge.
            exclude_seen: leave out of a list what its user had seen in training.
            progress: show a progress bar; None shows it in a terminal and in a notebook.
            **reading: how ``test`` is read, as in ``bitrecall.fit``.

        Raises:
            MissingExtraError: the extra ``train`` is not installed.
            DataError: the interactions cannot be used.
            EvaluationError: there are none.
            ArgumentError: nothing was held out, and no ``test`` is given.
        """
        lengths = [check_k(k) for k in ks]
        with extra_needed("evaluate", "train"), errors_as_keywords():
            from bitrecall.model.reading import read_held_out
            from bitrecall.training.evaluation.evaluate import evaluate

            if test is not None:
                held_out, split = read_held_out(test, reading)
            elif self._held_out is not None:
                held_out, split = self._held_out, "held out by fit"
            else:
                raise ArgumentError("nothing was held out to evaluate on: pass test=", "test")
            report = evaluate(
                self._release,
                held_out,
                lengths,
                exclude_seen=exclude_seen,
                progress=progress,
                split=split,
            )
        return Evaluation(
            release_id=report.release,
            split=report.split,
            metrics=report.metrics,
            users=report.users,
            unknown_users=report.unknown_users,
            skipped_users=report.skipped_users,
            pairs=report.pairs,
            unknown_pairs=report.unknown_pairs,
            seen_pairs=report.seen_pairs,
            seconds=report.seconds,
        )

    def _options(
        self,
        k: int,
        exclude_seen: bool,
        exclude_items: Iterable[str | int],
        wanted: Mapping[str, Any] | None,
        explain: bool,
    ) -> QueryOptions:
        return QueryOptions(
            k=check_k(k),
            exclude_seen=exclude_seen,
            exclude_items=id_texts(exclude_items, "exclude_items"),
            allowed=None if wanted is None else item_filter(wanted),
            explain=explain,
        )
