"""``bitrecall.Model``: recommendations from a release, in this process."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal

from bitrecall.arguments import (
    check_k,
    check_ks,
    check_prefix,
    id_text,
    id_texts,
    user_and_history,
)
from bitrecall.extras import extra_needed
from bitrecall.index.errors import UnknownItemError
from bitrecall.index.recommend.lookups import item_info, most_popular, user_info
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import History
from bitrecall.keyword_messages import errors_as_keywords
from bitrecall.model.codes import Codes, codes_of_users
from bitrecall.model.conversion import popular_items, recommendations, similar_items
from bitrecall.model.ids import Ids
from bitrecall.model.query_options import query_options
from bitrecall.results import (
    Evaluation,
    ItemInfo,
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

# Users per search, to limit memory.
_BATCH_SIZE: Final = 1024


class Model:
    """A trained model, from ``bitrecall.fit`` or ``bitrecall.load``.

    It is thread-safe. Ids are text; integers are converted to decimal text.

    Args:
        release: the opened release.
        held_out: interactions held out of its training, for ``evaluate``.
        held_out_with_repeats: these, and held-out interactions that repeat a training interaction.
        temporary: folder of the release, to delete together with the model.
    """

    def __init__(
        self,
        release: Release,
        *,
        held_out: Interactions | None = None,
        held_out_with_repeats: Interactions | None = None,
        temporary: Path | None = None,
    ) -> None:
        self._release = release
        self._held_out = held_out
        self._held_out_with_repeats = held_out_with_repeats
        self._recommender = Recommender(release)
        if temporary is not None:
            weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)

    def __repr__(self) -> str:
        n_users, n_items = len(self.users), len(self.items)
        return f"<Model {self.release_id}: {n_users:,} users, {n_items:,} items, {self.bits} bits>"

    @property
    def release_id(self) -> str:
        """The id of the release."""
        return self._release.id

    @property
    def bits(self) -> int:
        """The code length in bits."""
        return self._release.bits

    @property
    def users(self) -> Ids:
        """The ids of the users in the release."""
        return Ids(self._release.users)

    @property
    def items(self) -> Ids:
        """The ids of the items, most popular first, in the row order of ``item_codes``."""
        return Ids(self._release.items)

    @property
    def metrics(self) -> Mapping[str, float | int | str]:
        """The metrics that were measured on the test split when the release was published."""
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
        """Recommend the items whose codes are nearest to the user's code.

        An unknown user without a history gets the most popular items.

        Args:
            user_id: id of the user; optional with a history.
            k: number of items; fewer are returned if fewer are allowed.
            exclude_seen: exclude the user's items.
            exclude_items: ids of items to exclude; unknown ids are ignored.
            filter: conditions on tags and attributes, as in the HTTP API:
                ``{"any_tags": ["noir"]}``, ``{"where": {"year": {"gte": 1990}}}``.
            history: ids of the user's items, the newest last.
            history_mode: use the history ``instead`` of the user's known items, or ``add`` it.
            explain: return for each item the user's most similar items.

        Raises:
            ArgumentError: an argument is invalid.
            FilterError: the filter is malformed, or no item has an attribute that it names.
        """
        user, item_ids = user_and_history(user_id, history, history_mode)
        past = None if item_ids is None else History(item_ids, instead=history_mode == "instead")
        options = query_options(k, exclude_items, filter, exclude_seen, explain)
        return recommendations(self._recommender.recommend(user, options, past))

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
        """Recommend items for several users; the arguments and errors are as in ``recommend``."""
        users = id_texts(user_ids, "user_ids")
        options = query_options(k, exclude_items, filter, exclude_seen, explain)
        batches = (users[row : row + _BATCH_SIZE] for row in range(0, len(users), _BATCH_SIZE))
        ranked = (self._recommender.recommend_many(batch, options) for batch in batches)
        return RecommendationLists(tuple(map(recommendations, chain.from_iterable(ranked))))

    def similar(
        self,
        item_id: str | int,
        k: int = 10,
        *,
        exclude_items: Iterable[str | int] = (),
        filter: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> SimilarItems:
        """Return the items whose codes are nearest to the code of an item, without the item itself.

        Raises:
            UnknownItemError: the item is unknown.
            ArgumentError: an argument is invalid.
            FilterError: the filter is malformed, or no item has an attribute that it names.
        """
        item = id_text(item_id, "item_id")
        options = query_options(k, exclude_items, filter)
        try:
            return similar_items(item, self._recommender.similar(item, options))
        except UnknownItemError as error:
            raise UnknownItemError(f"{error}{self.items.suggestion(item)}") from None

    def popular(self, k: int = 10) -> PopularItems:
        """Return the most popular items of the training data."""
        return popular_items(self._release, most_popular(self._recommender, check_k(k)))

    def user(self, user_id: str | int) -> UserInfo:
        """Return information about a user, known or unknown."""
        return user_info(self._recommender, id_text(user_id, "user_id"))

    def item(self, item_id: str | int) -> ItemInfo:
        """Return information about an item, known or unknown."""
        return item_info(self._recommender, id_text(item_id, "item_id"))

    def find_users(self, prefix: str = "", k: int = 10) -> list[str]:
        """Return the first ``k`` user ids with a prefix, in byte order."""
        return self.users.starting_with(check_prefix(prefix), check_k(k))

    def find_items(self, prefix: str = "", k: int = 10) -> list[str]:
        """Return the first ``k`` item ids with a prefix, in byte order."""
        return self.items.starting_with(check_prefix(prefix), check_k(k))

    def codes(self, user_ids: str | int | Iterable[str | int]) -> Codes:
        """Return the codes of one or several users, one row each.

        Raises:
            ArgumentError: a user is not in the release.
        """
        if isinstance(user_ids, str) or not isinstance(user_ids, Iterable):
            user_ids = [user_ids]
        return codes_of_users(self._release, id_texts(user_ids, "user_ids"))

    def item_codes(self) -> Codes:
        """Return the codes of all items, in the order of ``items``; memory-mapped and read-only."""
        return Codes(self._release.item_codes)

    def evaluate(
        self,
        test: Events | None = None,
        ks: Sequence[int] = (20, 50, 100),
        *,
        exclude_seen: bool = True,
        progress: bool | None = None,
        **reading: Unpack[ReadKeywords],
    ) -> Evaluation:
        """Evaluate the recommendations on held-out interactions, as ``bitrecall evaluate`` does.

        Args:
            test: interactions that were not in the training data, in any form that
                ``bitrecall.fit`` accepts; None uses those that ``fit`` held out. For ``"sample"``
                or a folder with train and test files, the test split is used; otherwise all rows,
                unless ``split`` is passed.
            ks: list lengths to evaluate.
            exclude_seen: exclude the items that a user had in training from the lists; False also
                counts held-out interactions that repeat a training interaction.
            progress: show a progress bar; None shows it in a terminal and in a notebook.
            **reading: how to read ``test``, as in ``bitrecall.fit``.

        Raises:
            MissingExtraError: the extra ``train`` is not installed.
            DataError: the interactions cannot be used.
            EvaluationError: there are no interactions to evaluate on.
            ArgumentError: ``ks`` is invalid, or ``test`` is None and nothing was held out.
        """
        with extra_needed("evaluate", "train"), errors_as_keywords():
            from bitrecall.model.evaluation import evaluate_release

            return evaluate_release(
                self._release,
                test,
                self._held_out if exclude_seen else self._held_out_with_repeats,
                check_ks(ks),
                exclude_seen=exclude_seen,
                progress=progress,
                reading=reading,
            )
