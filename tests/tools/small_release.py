"""A small release with odd ids and many equal codes, for tests of several rooms."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.recency import Recency, stored_ages
from bitrecall.index.releases.release import DataFingerprint, Release, ReleaseContents
from bitrecall.index.releases.repeats import Repeats
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import pack_signs

BITS = 16
USERS = ["17", "user, with comma", "Ωμέγα 🛶", "all seen", "none seen"]
ITEMS = [f"item {row}" for row in range(59)] + ["naïve, café ☕"]

TAGS = ["jazz", "live", "new", "sold out"]
PRICES = np.arange(len(ITEMS)) % 7 + 0.5


RECENCY = Recency(decay=1.5, known_strength=0.5, fresh_strength=1.0, history_decay=4.0)


REPEATS = Repeats(
    decay=4.0,
    counts=(0.0, 0.5, 1.5, 3.0),
    own_rates=(0.05, 0.2, 0.2, 0.6),
    ranks=(1, 2, 4, 11),
    other_rates=(0.5, 0.3, 0.2, 0.1),
)


def make_contents(
    seed: int = 0, recency: Recency | None = None, repeats: Repeats | None = None
) -> ReleaseContents:
    """Return sixty items of sixteen bits with many equal codes, so that ties decide the order.

    With a recency, the training interactions have ages; with repeats, they have counts.
    """
    random = np.random.default_rng(seed)
    few = random.standard_normal((9, BITS)).astype(np.float32)
    items = few[random.integers(0, len(few), len(ITEMS))]
    users = random.standard_normal((len(USERS), BITS)).astype(np.float32)
    seen: list[Sequence[int]] = [[0, 1, 5, 30], [2], range(10, 40), range(len(ITEMS)), []]
    counts = np.random.default_rng(seed).integers(1, 6, sum(map(len, seen)), np.uint16)
    decayed = counts * np.random.default_rng(seed).uniform(0, 1, len(counts))
    ages = [np.random.default_rng(len(rows)).permutation(len(rows)) for rows in seen]
    return ReleaseContents(
        item_codes=pack_signs(items),
        user_embeddings=users,
        fold_in_messages=items,
        seen=RowLists.from_lists(seen),
        user_ids=USERS,
        item_ids=ITEMS,
        popularity=np.arange(len(ITEMS), 0, -1, dtype=np.int64),
        data=DataFingerprint(
            sha256="0" * 64,
            users=len(USERS),
            items=len(ITEMS),
            interactions=sum(map(len, seen)),
            first_time=None,
            last_time=None,
        ),
        recipe={"seed": seed},
        code_version="test",
        seen_ages=None if recency is None else stored_ages(np.concatenate(ages)),
        recency=recency,
        seen_counts=None if repeats is None else counts,
        seen_decayed=None if repeats is None else decayed.astype(np.float16),
        repeats=repeats,
        attributes=ItemAttributes.build(
            len(ITEMS),
            tags=[[name for name in TAGS if random.random() < 0.3] for _ in ITEMS],
            numbers={"price": np.where(random.random(len(ITEMS)) < 0.2, np.nan, PRICES)},
            texts={"label": [None if row % 5 == 0 else f"label {row % 3}" for row in range(60)]},
        ),
    )


@pytest.fixture(scope="session")
def contents() -> Callable[..., ReleaseContents]:
    """Makes the contents of a small release from a seed."""
    return make_contents


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release that no test changes."""
    return ReleaseStore(tmp_path_factory.mktemp("store")).publish(make_contents())


@pytest.fixture(scope="session")
def ordered_release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The same release with ``RECENCY``; no test changes it."""
    store = ReleaseStore(tmp_path_factory.mktemp("ordered"))
    return store.publish(make_contents(recency=RECENCY))


@pytest.fixture(scope="session")
def repeating_release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The same release with ``REPEATS``; no test changes it."""
    store = ReleaseStore(tmp_path_factory.mktemp("repeating"))
    return store.publish(make_contents(repeats=REPEATS))
