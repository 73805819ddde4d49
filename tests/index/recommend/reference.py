"""A plain, slow recommender. The fast one must return the same items, ties included."""

from math import exp
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
    """Recommends from the contents of a release, new items and recent interactions."""

    def __init__(
        self,
        contents: ReleaseContents,
        new: NewItems | None = None,
        recent: dict[str, list[str]] | None = None,
    ) -> None:
        self.contents, self.recent = contents, recent or {}
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
        """Return the signs of a user, the rows of the user's items, and the source."""
        known = {item: row for row, item in enumerate(self.ids)}
        requested = [known[item] for item in (history.item_ids if history else ()) if item in known]
        recent = [known[item] for item in self.recent.get(user_id or "", ()) if item in known]
        users = list(self.contents.user_ids)
        messages = self.contents.fold_in_messages.astype(np.float64)
        instead = history is not None and history.instead
        items = set(requested) if instead else set(requested) | set(recent)
        order = requested if instead else [*recent, *requested]
        recency = self.contents.recency
        foldable = sorted(row for row in items if row < self.n_items)
        if not instead and user_id in users:
            row = users.index(user_id)
            trained = self.contents.user_embeddings[row].astype(np.float64)
            seen = self.contents.seen[row].tolist()
            unseen = [item for item in foldable if item not in seen]
            source = "codes"
            if unseen:
                source = "codes+history"
                if seen:
                    summed = messages[sorted(seen)].sum(axis=0)
                    trained = trained * (np.abs(summed).mean() / np.abs(trained).mean())
                trained = trained + messages[unseen].sum(axis=0)
            if recency is not None:
                source = "codes+history" if foldable else "codes"
                strength = recency.fresh_strength if foldable else recency.known_strength
                assert self.contents.seen_ages is not None
                begin = int(self.contents.seen.indptr[row])
                ages = self.contents.seen_ages[begin : begin + len(seen)].tolist()
                oldest_first = [item for _, item in sorted(zip(ages, seen, strict=True))][::-1]
                weighted = self._weighted([*oldest_first, *order], recency.decay)
                total = sum(weight * messages[item] for item, weight in weighted.items())
                if weighted:
                    trained = trained / np.abs(trained).mean()
                    trained = trained + strength * (total / np.abs(total).mean())
            return np.where(trained >= 0, 1, -1), items | set(seen), source
        if foldable:
            learned, count = self.learned, float(len(foldable))
            total = messages[foldable].sum(axis=0)
            if recency is not None and recency.history_decay is not None:
                weighted = self._weighted(order, recency.history_decay)
                count = sum(weighted.values())
                total = sum(weight * messages[item] for item, weight in weighted.items())
            mean = total / count - learned.centre
            weight = SHARE / (count + SHARE - 1)
            total = (
                learned.user + (1 - weight) * mean + weight * (mean @ learned.matrix.astype(float))
            )
            return np.where(total >= 0, 1, -1), items, "history"
        return None, items, "popular"

    def _weighted(self, items: list[int], decay: float) -> dict[int, float]:
        """Return the weight of each item of the release, from items with the newest last."""
        newest_first = dict.fromkeys(item for item in items[::-1] if item < self.n_items)
        return {
            item: round(4096 * exp(-age / decay)) / 4096 for age, item in enumerate(newest_first)
        }

    def taken(self, user_id: str | None, history: History | None) -> dict[int, tuple[float, int]]:
        """Return the decayed count and the count of each item of a user."""
        contents, taken = self.contents, dict[int, tuple[float, int]]()
        assert contents.repeats is not None
        assert contents.seen_counts is not None
        assert contents.seen_decayed is not None
        later = list(history.item_ids if history else ())
        if history is None or not history.instead:
            later = [*self.recent.get(user_id or "", ()), *later]
            if user_id in contents.user_ids:
                row = list(contents.user_ids).index(user_id)
                for place, item in enumerate(contents.seen[row].tolist()):
                    at = int(contents.seen.indptr[row]) + place
                    taken[item] = float(contents.seen_decayed[at]), int(contents.seen_counts[at])
        for item_id in later:
            if item_id in self.ids:
                for item, (decayed, count) in taken.items():
                    taken[item] = decayed * exp(-1 / contents.repeats.decay), count
                decayed, count = taken.get(self.ids.index(item_id), (0.0, 0))
                taken[self.ids.index(item_id)] = decayed + 1, count + 1
        return taken

    def _by_rate(self, rows: list[int], taken: dict[int, tuple[float, int]]) -> list[int]:
        """Order rows, the nearest first, by the rates of own and other items."""
        repeats, rank = self.contents.repeats, 0
        assert repeats is not None
        keys = []
        for row in rows:
            if row in taken:
                decayed = taken[row][0]
                number = max(b for b, start in enumerate(repeats.counts) if start <= decayed)
                keys.append((-repeats.own_rates[number], 0, -float(f"{decayed:.9g}"), row))
            else:
                rank += 1
                number = max(b for b, start in enumerate(repeats.ranks) if start <= rank)
                keys.append((-repeats.other_rates[number], 1, float(rank), row))
        return [row for *_, row in sorted(keys)]

    def allowed(self, allowed: ItemFilter | None) -> list[bool]:
        """Return whether each item matches the filter."""
        attributes, matches = self.contents.attributes, []
        assert attributes is not None
        for row in range(len(self.ids)):
            tags: set[str] = set()
            values: dict[str, Any] = {}
            if row < self.n_items:
                tags, values = set(attributes.tags_of(row)), attributes.columns_of(row)
            matches.append(allowed is None or self._matches(allowed, tags, values))
        return matches

    def _matches(self, allowed: ItemFilter, tags: set[str], values: dict[str, Any]) -> bool:
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
        self, user_id: str | None, options: QueryOptions, history: History | None = None
    ) -> tuple[list[str], list[int] | None, str]:
        """Return ids and distances, best first, and the source."""
        code, items, source = self.code(user_id, history)
        allowed = self.allowed(options.allowed)
        rows = [
            row
            for row, item in enumerate(self.ids)
            if allowed[row]
            and item not in options.exclude_items
            and not (options.exclude_seen and row in items)
        ]
        if code is None:
            return [self.ids[row] for row in rows[: options.k]], None, source
        distances = (self.signs != code).sum(axis=1)
        rows = sorted(rows, key=lambda row: (distances[row], row))
        if self.contents.repeats is not None and not options.exclude_seen:
            rows = self._by_rate(rows, self.taken(user_id, history))
        rows = rows[: options.k]
        return [self.ids[row] for row in rows], [int(distances[row]) for row in rows], source
