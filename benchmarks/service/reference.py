"""A slow, obvious reference for the responses of the service.

It uses no index and no packing: it compares all signs and sorts.
"""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import numpy as np

from bitrecall.index.fold_in.users import SHARE
from bitrecall.index.releases.release import Release


class Reference:
    """Responses computed from the arrays of a release.

    Args:
        release: the release.
        recent: the items of each user's events since the release, the newest last.
    """

    def __init__(self, release: Release, recent: Mapping[str, Sequence[str]]) -> None:
        self.release = release
        self.recent = recent
        self.ids = release.items.ids_of(range(release.n_items))
        self.row = {item: row for row, item in enumerate(self.ids)}
        bits = np.unpackbits(np.asarray(release.item_codes), axis=1, bitorder="little")
        self.signs = 2 * bits.astype(np.int32) - 1
        self.messages = np.asarray(release.fold_in_messages, np.float64)
        self.matrix = np.asarray(release.fold_in_map.matrix, np.float64)
        self.tags = [set(release.attributes.tags_of(row)) for row in range(release.n_items)]
        self.known = [release.attributes.columns_of(row) for row in range(release.n_items)]

    def recommend(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the expected response of ``POST /recommend``, without the release id."""
        code, known_rows, source = self._user(body)
        allowed = self._allowed(body)
        if body.get("exclude_seen", True):
            allowed[known_rows] = False
            taken = None
        else:
            taken = self._taken(body)
        ranked = self._ranked(code, allowed, body["k"], source, taken)
        return {"user_id": body.get("user_id"), **ranked}

    def similar(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the expected response of ``POST /similar``, without the release id."""
        allowed = self._allowed(body)
        row = self.row[body["item_id"]]
        allowed[row] = False
        answer = self._ranked(self.signs[row], allowed, body["k"], "codes")
        del answer["source"]
        return {"item_id": body["item_id"], **answer}

    def _user(self, body: dict[str, Any]) -> tuple[np.ndarray | None, list[int], str]:
        history = [self.row[item] for item in body.get("history") or () if item in self.row]
        instead = "history" in body and body.get("history_mode", "instead") == "instead"
        user_id = "" if instead else body.get("user_id") or ""
        items = [*(self.row[item] for item in self.recent.get(user_id, ())), *history]
        row = self.release.users.row_of(user_id)
        if row is None:
            code = self._folded_in(items) if items else None
            return code, items, "history" if items else "popular"
        seen = self.release.seen[row].tolist()
        more = sorted(set(items) - set(seen))
        embedding = np.asarray(self.release.user_embeddings[row], np.float64)
        if more:
            before = self.messages[seen].sum(axis=0)
            embedding = embedding * (np.abs(before).mean() / np.abs(embedding).mean())
            embedding = embedding + self.messages[more].sum(axis=0)
        recency, strength = self.release.recency, 0.0
        if recency is not None:
            strength = recency.fresh_strength if items else recency.known_strength
        if recency is not None and strength:
            recent = self._sum(self._weights_of_known(row, items, recency.decay))
            embedding = embedding / np.abs(embedding).mean()
            embedding = embedding + strength * (recent / np.abs(recent).mean())
        has_fresh_items = bool(items if strength else more)
        source = "codes+history" if has_fresh_items else "codes"
        return self._signs(embedding), [*seen, *items], source

    def _taken(self, body: dict[str, Any]) -> dict[int, float] | None:
        """Return the decayed count of each item of the user; None without repeats."""
        repeats, taken = self.release.repeats, dict[int, float]()
        if repeats is None:
            return None
        later = list(body.get("history") or ())
        if "history" not in body or body.get("history_mode", "instead") == "add":
            user_id = body.get("user_id") or ""
            later = [*self.recent.get(user_id, ()), *later]
            own = self.release.own_items(self.release.users.row_of(user_id))
            taken = dict(zip(own.rows.tolist(), own.decayed.tolist(), strict=True))
        for item in later:
            if item in self.row:
                taken = {row: count * exp(-1 / repeats.decay) for row, count in taken.items()}
                taken[self.row[item]] = taken.get(self.row[item], 0.0) + 1
        return taken

    def _by_rate(self, nearest: list[int], taken: dict[int, float]) -> list[int]:
        repeats, rank = self.release.repeats, 0
        keys: list[tuple[float, int, float, int]] = []
        if repeats is None:
            return nearest
        for row in nearest:
            if row in taken:
                number = sum(start <= taken[row] for start in repeats.counts) - 1
                # Rounded, because sums in another order differ in the last bits.
                keys.append((-repeats.own_rates[number], 0, -float(f"{taken[row]:.9g}"), row))
            else:
                rank += 1
                number = sum(start <= rank for start in repeats.ranks) - 1
                keys.append((-repeats.other_rates[number], 1, rank, row))
        return [row for *_, row in sorted(keys)]

    def _folded_in(self, items: list[int]) -> np.ndarray:
        recency = self.release.recency
        weights = self._weights(items, None if recency is None else recency.history_decay)
        count = sum(weights.values())
        mean = self._sum(weights) / count - self.release.fold_in_map.centre
        weight = SHARE / (count + SHARE - 1)
        return self._signs(
            self.release.fold_in_map.user + (1 - weight) * mean + weight * mean @ self.matrix
        )

    def _weights_of_known(self, user: int, items: list[int], decay: float) -> dict[int, float]:
        """Return the weight of each item of a known user: fresh items, then training items."""
        weights = self._weights(items, decay)
        begin, end = self.release.seen.indptr[user : user + 2].tolist()
        ages = np.zeros(0) if self.release.seen_ages is None else self.release.seen_ages[begin:end]
        older = [
            (row, age)
            for row, age in zip(self.release.seen[user].tolist(), ages.tolist(), strict=True)
            if row not in weights
        ]
        fresh = len(weights)
        for row, age in older:
            later = fresh + sum(other < age for _, other in older)
            weights[row] = round(4096 * exp(-later / decay)) / 4096
        return weights

    def _weights(self, items: list[int], decay: float | None) -> dict[int, float]:
        """Return the weight of each item; the newest of ``items`` is last."""
        newest_first = dict.fromkeys(items[::-1])
        if decay is None:
            return dict.fromkeys(newest_first, 1.0)
        return {row: round(4096 * exp(-age / decay)) / 4096 for age, row in enumerate(newest_first)}

    def _sum(self, weights: dict[int, float]) -> np.ndarray:
        total = np.zeros(self.release.bits)
        for row, weight in weights.items():
            total += weight * self.messages[row]
        return total

    def _signs(self, values: np.ndarray) -> np.ndarray:
        return np.where(values >= 0, 1, -1)

    def _allowed(self, body: dict[str, Any]) -> np.ndarray:
        conditions = body.get("filter", {})
        allowed = np.array([self._passes(conditions, row) for row in range(len(self.ids))])
        for item in body.get("exclude_items", ()):
            if item in self.row:
                allowed[self.row[item]] = False
        return allowed

    def _passes(self, conditions: dict[str, Any], row: int) -> bool:
        tags, known = self.tags[row], self.known[row]
        if conditions.get("any_tags") and not tags & set(conditions["any_tags"]):
            return False
        if not set(conditions.get("all_tags", ())) <= tags or tags & set(
            conditions.get("no_tags", ())
        ):
            return False
        for name, condition in conditions.get("where", {}).items():
            if name not in known:
                return False
            value = known[name]
            if "in" in condition and value not in condition["in"]:
                return False
            if "gte" in condition and not value >= condition["gte"]:
                return False
            if "lt" in condition and not value < condition["lt"]:
                return False
        return True

    def _ranked(
        self,
        code: np.ndarray | None,
        allowed: np.ndarray,
        k: int,
        source: str,
        taken: dict[int, float] | None = None,
    ) -> dict[str, Any]:
        rows = np.flatnonzero(allowed)
        items: list[dict[str, Any]]
        if code is None:
            items = [{"id": self.ids[row], "distance": None, "score": None} for row in rows[:k]]
        else:
            scores = self.signs @ code
            rows = rows[np.lexsort((rows, -scores[rows]))]
            if taken is not None:
                rows = np.array(self._by_rate(rows.tolist(), taken), np.int64)
            rows = rows[:k]
            items = [
                {
                    "id": self.ids[row],
                    "distance": (self.release.bits - int(scores[row])) // 2,
                    "score": int(scores[row]),
                }
                for row in rows
            ]
        answer: dict[str, Any] = {"k": k, "items": items, "source": source}
        if len(items) < k:
            answer["shortfall"] = k - len(items)
        return answer
