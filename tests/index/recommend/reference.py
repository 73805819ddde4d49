"""A slow, obvious recommender: what the fast one has to equal to the last tie."""

from typing import Any

import numpy as np

from bitrecall.index.fold_in.users import SHARE
from bitrecall.index.recommend.catalogue import NewItems
from bitrecall.index.recommend.types import History, QueryOptions
from bitrecall.index.releases.filters import ItemFilter
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.release import ReleaseContents


def signs_of(codes: np.ndarray) -> np.ndarray:
    bits = np.unpackbits(codes, axis=1, bitorder="little").astype(np.int64)
    return 2 * bits - 1


class Reference:
    """Answers from the contents of a release, new items and what users took since."""

    def __init__(
        self,
        contents: ReleaseContents,
        new: NewItems | None = None,
        taken: dict[str, list[str]] | None = None,
    ) -> None:
        self.contents, self.taken = contents, taken or {}
        self.n_items = len(contents.item_ids)
        self.learned = FoldInMap.fit(
            contents.fold_in_messages, contents.user_embeddings, contents.seen
        )
        self.ids = [*contents.item_ids, *(new.ids if new else ())]
        self.signs = signs_of(contents.item_codes)
        if new:
            self.signs = np.concatenate([self.signs, signs_of(new.codes)])

    def code(
        self, user_id: str | None, history: History | None
    ) -> tuple[np.ndarray | None, set[int], str]:
        """The signs of a user, the rows of the items that they have, and the source."""
        known = {item: row for row, item in enumerate(self.ids)}
        given = [known[item] for item in (history.item_ids if history else ()) if item in known]
        fresh = [known[item] for item in self.taken.get(user_id or "", ()) if item in known]
        users = list(self.contents.user_ids)
        messages = self.contents.fold_in_messages.astype(np.float64)
        instead = history is not None and history.instead
        own = set(given) if instead else set(given) | set(fresh)
        foldable = sorted(row for row in own if row < self.n_items)
        if not instead and user_id in users:
            row = users.index(user_id)
            trained = self.contents.user_embeddings[row].astype(np.float64)
            seen = self.contents.seen[row].tolist()
            more = [one for one in foldable if one not in seen]
            source = "codes"
            if more:
                source = "codes+history"
                if seen:
                    before = messages[sorted(seen)].sum(axis=0)
                    trained = trained * (np.abs(before).mean() / np.abs(trained).mean())
                trained = trained + messages[more].sum(axis=0)
            return np.where(trained >= 0, 1, -1), own | set(seen), source
        if foldable:
            learned, count = self.learned, len(foldable)
            mean = messages[foldable].sum(axis=0) / count - learned.centre
            say = SHARE / (count + SHARE - 1)
            total = learned.user + (1 - say) * mean + say * (mean @ learned.matrix.astype(float))
            return np.where(total >= 0, 1, -1), own, "history"
        return None, own, "popular"

    def allowed(self, allowed: ItemFilter | None) -> list[bool]:
        """Whether each item passes, by asking what is known of it."""
        attributes, verdicts = self.contents.attributes, []
        assert attributes is not None
        for row in range(len(self.ids)):
            tags: set[str] = set()
            values: dict[str, Any] = {}
            if row < self.n_items:
                tags, values = set(attributes.tags_of(row)), attributes.columns_of(row)
            verdicts.append(allowed is None or self._passes(allowed, tags, values))
        return verdicts

    def _passes(self, allowed: ItemFilter, tags: set[str], values: dict[str, Any]) -> bool:
        if allowed.any_tags and not tags & allowed.any_tags:
            return False
        if not allowed.all_tags <= tags or tags & allowed.no_tags:
            return False
        for name, condition in allowed.where:
            if name not in values:
                return False
            value = values[name]
            if condition.one_of is not None and value not in condition.one_of:
                return False
            if condition.at_least is not None and not value >= condition.at_least:
                return False
            if condition.below is not None and not value < condition.below:
                return False
        return True

    def recommend(
        self, user_id: str | None, wish: QueryOptions, history: History | None = None
    ) -> tuple[list[str], list[int] | None, str]:
        """Ids and distances, best first, and the source."""
        code, own, source = self.code(user_id, history)
        passes = self.allowed(wish.allowed)
        rows = [
            row
            for row, item in enumerate(self.ids)
            if passes[row]
            and item not in wish.exclude_items
            and not (wish.exclude_seen and row in own)
        ]
        if code is None:
            return [self.ids[row] for row in rows[: wish.k]], None, source
        distances = (self.signs != code).sum(axis=1)
        rows = sorted(rows, key=lambda row: (distances[row], row))[: wish.k]
        return [self.ids[row] for row in rows], [int(distances[row]) for row in rows], source
