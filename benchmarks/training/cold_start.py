"""Measure recommendations for users, and ranks of items, that training has not seen.

    python -m benchmarks.training.cold_start leave-out users path/to/gowalla runs/without-users
    bitrecall train runs/without-users --recipe gowalla --releases runs/without-users/releases
    python -m benchmarks.training.cold_start users path/to/gowalla runs/without-users/releases

The same works with ``items``. A tenth is left out, drawn with a seed; the test split stays
complete. Everything then goes over HTTP, with a service started by the benchmark: left-out users
send some of their training items as their history, and left-out items arrive as events of their
users. Measures Recall@50 on the test items of all requested users. With ``--trained`` and a store
with a release of the whole train split, the same users are requested from that release too.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.tools.serving import serving
from bitrecall.reproduction.fold_in_study import mark_tenth
from bitrecall.reproduction.holdout_training import remove_pairs
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.load import load_dataset

K = 50
BATCH = 500
COUNTS = (1, 2, 5, 10, 20, None)
TIMEOUT = 120.0


def mark_left_out(train: Interactions, what: str, seed: int) -> np.ndarray:
    """Return the left-out users or items, bool over the rows of train."""
    degrees = train.user_degrees if what == "users" else train.item_degrees
    return mark_tenth(degrees, np.random.default_rng(seed))


def write_without(dataset: Dataset, what: str, seed: int, folder: Path) -> None:
    """Write the data set in the LightGCN format, without a tenth of its users or items."""
    left_out = mark_left_out(dataset.train, what, seed)
    kept = remove_pairs(dataset.train, **{what: left_out})
    folder.mkdir(parents=True, exist_ok=True)
    assert dataset.test is not None
    for name, pairs in (("train.txt", kept), ("test.txt", dataset.test)):
        lines = (
            " ".join([pairs.user_ids[user], *(pairs.item_ids[i] for i in pairs.items_of(user))])
            for user in np.flatnonzero(pairs.user_degrees).tolist()
        )
        (folder / name).write_text("\n".join(lines) + "\n")
    print(
        f"{int(left_out.sum()):,} {what} left out, "
        f"{len(kept):,} of {len(dataset.train):,} pairs kept"
    )


class RecallMeter:
    """Requests recommendations over HTTP, and computes their recall of the test items."""

    def __init__(self, dataset: Dataset, users: np.ndarray, client: httpx.Client) -> None:
        assert dataset.test is not None
        test = dataset.test
        self.users = [row for row in users.tolist() if test.user_degrees[row]]
        self.ids = [test.user_ids[row] for row in self.users]
        self.targets = [{test.item_ids[item] for item in test.items_of(row)} for row in self.users]
        self.client = client

    def recall(self, lists: Iterator[list[str]]) -> float:
        """Return the mean over the users of the share of their test items in the list."""
        shares = [
            len(targets.intersection(listed)) / len(targets)
            for targets, listed in zip(self.targets, lists, strict=True)
        ]
        return float(np.mean(shares))

    def known(self) -> float:
        """Return the recall of recommendations for users by id."""
        return self.recall(self._known())

    def from_histories(self, histories: Sequence[Sequence[str]], owned: list[list[str]]) -> float:
        """Return the recall of recommendations from some items of each user.

        All items of the user are excluded from them.
        """
        return self.recall(self._from_histories(histories, owned))

    def popular(self, owned: list[list[str]]) -> float:
        """Return the recall of the popular list, without each user's items."""
        depth = K + max(len(items) for items in owned)
        response = self._request("GET", f"/popular?k={min(depth, 1000)}")
        ranked = [item["id"] for item in response["items"]]
        return self.recall(
            [item for item in ranked if item not in items][:K]
            for items in (set(items) for items in owned)
        )

    def _known(self) -> Iterator[list[str]]:
        for start in range(0, len(self.ids), BATCH):
            body = {"user_ids": self.ids[start : start + BATCH], "k": K}
            for result in self._request("POST", "/recommend/batch", body)["answers"]:
                if result["source"] not in ("codes", "codes+history"):
                    sys.exit(f"unknown user {result['user_id']}: {result['source']}")
                yield [item["id"] for item in result["items"]]

    def _from_histories(
        self, histories: Sequence[Sequence[str]], owned: list[list[str]]
    ) -> Iterator[list[str]]:
        for history, items in zip(histories, owned, strict=True):
            body = {"history": list(history), "exclude_items": items, "k": K}
            yield [item["id"] for item in self._request("POST", "/recommend", body)["items"]]

    def _request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        response = self.client.request(method, path, json=body)
        if response.status_code != 200:
            sys.exit(f"{path}: {response.status_code} {response.text[:300]}")
        document: dict[str, Any] = response.json()
        return document


def measure_users(dataset: Dataset, arguments: argparse.Namespace) -> None:
    """Measure left-out users, from increasing numbers of their items."""
    train = dataset.train
    left_out = mark_left_out(train, "users", arguments.seed)
    known_items = remove_pairs(train, users=left_out).item_degrees > 0
    generator = np.random.default_rng(arguments.seed)
    with _client(arguments.releases, "off") as client:
        meter = RecallMeter(dataset, np.flatnonzero(left_out), client)
        owned = []
        for row in meter.users:
            items = generator.permutation(train.items_of(row))
            owned.append([train.item_ids[item] for item in items if known_items[item]])
        print(f"{len(meter.users):,} left-out users, Recall@{K} of their test items")
        print(f"the popular list: {meter.popular(owned):.4f}", flush=True)
        for count in COUNTS:
            histories = [items[:count] for items in owned]
            recall = meter.from_histories(histories, owned)
            print(f"from {count or 'all'} of their items: {recall:.4f}", flush=True)
    if arguments.trained is not None:
        with _client(arguments.trained, "off") as client:
            print(f"trained: {RecallMeter(dataset, np.flatnonzero(left_out), client).known():.4f}")


def measure_items(dataset: Dataset, arguments: argparse.Namespace) -> None:
    """Send the events of left-out items, and measure all users."""
    train = dataset.train
    left_out = mark_left_out(train, "items", arguments.seed)
    known = remove_pairs(train, items=left_out).user_degrees > 0
    users = np.flatnonzero(known)
    pairs = train.select(left_out[train.items] & known[train.users])
    with (
        tempfile.TemporaryDirectory() as folder,
        _client(arguments.releases, f"sqlite:///{folder}/events.db") as client,
    ):
        meter = RecallMeter(dataset, users, client)
        print(f"{len(meter.users):,} users, Recall@{K} of their test items, of all items")
        print(f"without the {int(left_out.sum()):,} items: {meter.known():.4f}", flush=True)
        seconds = _post(client, pairs)
        print(
            f"{len(pairs):,} events posted; the last item can be recommended after {seconds:.1f} "
            f"s: {meter.known():.4f}",
            flush=True,
        )
    if arguments.trained is not None:
        with _client(arguments.trained, "off") as client:
            print(f"trained: {RecallMeter(dataset, users, client).known():.4f}")


def _post(client: httpx.Client, pairs: Interactions) -> float:
    """Post interactions as events; return seconds until their items can be recommended."""
    for start in range(0, len(pairs), 1000):
        part = slice(start, start + 1000)
        events = [
            {"user_id": pairs.user_ids[user], "item_id": pairs.item_ids[item]}
            for user, item in zip(pairs.users[part], pairs.items[part], strict=True)
        ]
        response = client.post("/events", json={"events": events})
        if response.status_code != 200:
            sys.exit(f"/events: {response.status_code} {response.text[:300]}")
    started = time.monotonic()
    last = pairs.item_ids[int(np.argmax(pairs.item_degrees))]
    while client.post("/similar", json={"item_id": last}).status_code != 200:
        if time.monotonic() > started + TIMEOUT:
            sys.exit(f"item {last} could not be recommended within {TIMEOUT:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - started


@contextmanager
def _client(releases: Path, events: str) -> Iterator[httpx.Client]:
    options = ("--events", events, "--log-level", "error")
    with serving(releases, *options) as (url, _), httpx.Client(base_url=url, timeout=120) as client:
        yield client


def main() -> None:
    """Write a reduced data set, or measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("leave-out", help="write a data set without a tenth of users or items")
    step.add_argument("what", choices=("users", "items"))
    step.add_argument("data", type=Path)
    step.add_argument("out", type=Path)
    for name in ("users", "items"):
        step = steps.add_parser(name, help=f"measure {name} that were left out")
        step.add_argument("data", type=Path)
        step.add_argument("releases", type=Path)
        step.add_argument("--trained", type=Path, metavar="RELEASES")
    arguments = parser.parse_args()
    dataset = load_dataset(arguments.data)
    if dataset.test is None:
        parser.error(f"{arguments.data} has no test split")
    if arguments.step == "leave-out":
        write_without(dataset, arguments.what, arguments.seed, arguments.out)
    else:
        {"users": measure_users, "items": measure_items}[arguments.step](dataset, arguments)


if __name__ == "__main__":
    main()
