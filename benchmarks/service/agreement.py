"""Compare a running service with a slow, obvious reference, on random requests.

    bitrecall serve --releases releases --events off &
    python -m benchmarks.service.agreement --releases releases --requests 2000

Requests have exclusions, filters over the tags and attributes of the release, and histories that
replace or extend what is known. Some are batches, some request similar items. Every response must
equal the reference including ties: items, distances, scores, order, source, shortfall. The
reference uses no index and no packing: it compares all signs and sorts. Exits with 1 at the first
response that differs.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bitrecall.index.fold_in.users import SHARE
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore


class Reference:
    """Responses computed from the arrays of a release."""

    def __init__(self, release: Release) -> None:
        self.release = release
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
        return {"user_id": body.get("user_id"), **self._ranked(code, allowed, body["k"], source)}

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
        row = None if instead else self.release.users.row_of(body.get("user_id") or "")
        if row is None:
            if not history:
                return None, [], "popular"
            rows = sorted(set(history))
            mean = self.messages[rows].sum(axis=0) / len(rows) - self.release.fold_in_map.centre
            weight = SHARE / (len(rows) + SHARE - 1)
            embedding = (
                self.release.fold_in_map.user + (1 - weight) * mean + weight * mean @ self.matrix
            )
            return self._signs(embedding), history, "history"
        seen = self.release.seen[row].tolist()
        more = sorted(set(history) - set(seen))
        trained = np.asarray(self.release.user_embeddings[row], np.float64)
        if not more:
            return self._signs(trained), [*seen, *history], "codes"
        before = self.messages[seen].sum(axis=0)
        trained = trained * (np.abs(before).mean() / np.abs(trained).mean())
        code = self._signs(trained + self.messages[more].sum(axis=0))
        return code, [*seen, *history], "codes+history"

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
        self, code: np.ndarray | None, allowed: np.ndarray, k: int, source: str
    ) -> dict[str, Any]:
        rows = np.flatnonzero(allowed)
        items: list[dict[str, Any]]
        if code is None:
            items = [{"id": self.ids[row], "distance": None, "score": None} for row in rows[:k]]
        else:
            scores = self.signs @ code
            rows = rows[np.lexsort((rows, -scores[rows]))][:k]
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


class RequestGenerator:
    """Generates random requests."""

    def __init__(self, reference: Reference, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.reference = reference
        release = reference.release
        self.users = release.users.ids_of(range(release.n_users))
        self.tags = sorted({tag for tags in reference.tags for tag in tags})
        self.columns = {name for known in reference.known for name in known}

    def request(self) -> tuple[str, dict[str, Any]]:
        """Return a path and a body."""
        body: dict[str, Any] = {"k": int(self.random.choice([1, 10, 100, 1000]))}
        if self._often(0.4):
            body["exclude_items"] = self._some(self.reference.ids, 50)
        if self._often(0.5):
            body["filter"] = self._filter()
        kind = self.random.random()
        if kind < 0.15:
            return "/similar", {**body, "item_id": self._some(self.reference.ids, 1)[0]}
        body["exclude_seen"] = bool(self._often(0.7))
        if kind < 0.3:
            users = [*self._some(self.users, 20), "unknown user"]
            return "/recommend/batch", {**body, "k": min(body["k"], 100), "user_ids": users}
        if self._often(0.8):
            body["user_id"] = "unknown user" if self._often(0.1) else self._some(self.users, 1)[0]
        if self._often(0.4) or "user_id" not in body:
            body["history"] = [*self._some(self.reference.ids, 20), "unknown item"]
            body["history_mode"] = "add" if self._often(0.5) else "instead"
        return "/recommend", body

    def _filter(self) -> dict[str, Any]:
        conditions: dict[str, Any] = {}
        for name, often in (("any_tags", 0.5), ("all_tags", 0.2), ("no_tags", 0.3)):
            if self.tags and self._often(often):
                conditions[name] = self._some(self.tags, 2)
        for name in self.columns:
            if self._often(0.3):
                values = [known[name] for known in self.reference.known if name in known]
                low, high = sorted(self.random.integers(len(values), size=2).tolist())
                if isinstance(values[0], str) or self._often(0.3):
                    condition: dict[str, Any] = {"in": [values[low], values[high]]}
                else:
                    bounds = sorted([values[low], values[high]])
                    condition = {"gte": bounds[0], "lt": bounds[1]}
                conditions.setdefault("where", {})[name] = condition
        return conditions

    def _some(self, values: list[str], max_count: int) -> list[str]:
        count = int(self.random.integers(1, max_count + 1))
        return [values[row] for row in self.random.integers(len(values), size=count)]

    def _often(self, share: float) -> bool:
        return bool(self.random.random() < share)


def expected(reference: Reference, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the expected response of a path to a body, without the release id."""
    if path == "/similar":
        return reference.similar(body)
    if path == "/recommend":
        return reference.recommend(body)
    answers = [reference.recommend({**body, "user_id": user}) for user in body["user_ids"]]
    for answer in answers:
        del answer["k"]
    return {"answers": answers, "k": body["k"]}


def main() -> int:
    """Compare and print the number of comparisons; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--releases", type=Path, default=Path("releases"))
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    release = ReleaseStore(arguments.releases).open_current()
    reference = Reference(release)
    generator = RequestGenerator(reference, arguments.seed)
    counted: dict[str, int] = {}
    with httpx.Client(base_url=arguments.url, timeout=60) as client:
        for number in range(arguments.requests):
            path, body = generator.request()
            response = client.post(path, json=body)
            answer = response.json()
            correct = expected(reference, path, body) | {"release_id": release.id}
            if response.status_code != 200 or answer != correct:
                print(f"request {number}, {path}: the response differs from the reference")
                print(json.dumps(body)[:2000])
                return 1
            for feature in (path, *("filter", "history", "exclude_items"), "shortfall"):
                if feature in (path,) or feature in body or feature in answer:
                    counted[feature] = counted.get(feature, 0) + 1
    counts = ", ".join(f"{name} {count:,}" for name, count in sorted(counted.items()))
    print(f"{arguments.requests:,} responses equal the reference, including ties ({counts})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
