"""Compare a running service with a slow, obvious reference, on random requests.

    bitrecall serve --releases releases --events off &
    python -m benchmarks.service.agreement --releases releases --requests 2000

    bitrecall serve --releases releases --events sqlite:///empty.db &
    python -m benchmarks.service.agreement --releases releases --events 1000

Requests have exclusions, filters over the tags and attributes of the release, and histories that
replace or extend what is known. Some are batches, some request similar items. Every response must
equal the reference (reference.py) including ties: items, distances, scores, order, source,
shortfall. With --events, the given number of random events is sent first, and the responses must
take them into account; the service must not have any others. If the release has a recency or
repeats, the order of events and histories matters. Exits with 1 at the first response that differs.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.service.reference import Reference
from bitrecall.index.releases.store import ReleaseStore


class RequestGenerator:
    """Generates random requests."""

    def __init__(self, reference: Reference, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.reference = reference
        release = reference.release
        self.users = release.users.ids_of(range(release.n_users))
        self.tags = sorted({tag for tags in reference.tags for tag in tags})
        self.columns = {name for known in reference.known for name in known}

    def events(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield random events, most of them of a few users of the release."""
        users = [*self._some(self.users, 20), "unknown user"]
        for _ in range(count):
            user = self._some(users if self._often(0.7) else self.users, 1)[0]
            item = self._some(self.reference.ids, 1)[0]
            yield {"user_id": user, "item_id": item, "type": "view"}

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
            users = [*self.reference.recent] if self._often(0.5) else []
            body["user_id"] = self._some(users or self.users, 1)[0]
            if self._often(0.1):
                body["user_id"] = "unknown user"
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
    parser.add_argument("--events", type=int, default=0, metavar="COUNT")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    release = ReleaseStore(arguments.releases).open_current()
    recent: dict[str, list[str]] = {}
    reference = Reference(release, recent)
    generator = RequestGenerator(reference, arguments.seed)
    counted: dict[str, int] = {}
    with httpx.Client(base_url=arguments.url, timeout=60) as client:
        for event in generator.events(arguments.events):
            client.post("/events", json={"events": [event]}).raise_for_status()
            recent.setdefault(event["user_id"], []).append(event["item_id"])
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
