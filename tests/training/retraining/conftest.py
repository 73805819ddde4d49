from collections.abc import Callable
from itertools import count

import numpy as np
import pytest

from bitrecall.events.event import StoredEvent
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.data_fingerprint import DataFingerprint
from bitrecall.index.releases.recency import Recency, stored_ages
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.repeats import Repeats
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import pack_signs
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import parse_recipe
from tests.training.retraining.retraining_system import RetrainingSystem

Publish = Callable[..., Release]


@pytest.fixture
def event() -> Callable[..., StoredEvent]:
    """Makes events with increasing sequence numbers from user, item, type and time."""
    numbers = count(101)

    def make(user: str, item: str, kind: str = "view", at: float = 0.0) -> StoredEvent:
        return StoredEvent(next(numbers), user, item, kind, at)

    return make


def weights_in_order(seen, items, weights):
    """Return the weights of pairs in the order of a release; 1 for other pairs."""
    ordered = [(user, item) for user, own in seen.items() for item in sorted(own, key=items.index)]
    return np.array([weights.get(pair, 1) for pair in ordered], np.float32)


@pytest.fixture
def publish(tmp_path) -> Publish:
    """Publishes a release of users and their items, with codes drawn from a seed."""
    store = ReleaseStore(tmp_path / "releases")

    def make(
        seen: dict[str, list[str]],
        *,
        bits: int = 32,
        last_event: int = 100,
        seed: int = 0,
        weights=None,
        ordered: bool = False,
        recency: Recency | None = None,
        repeats: Repeats | None = None,
        counts=None,
    ):
        generator = np.random.default_rng(seed)
        named = [item for items in seen.values() for item in items]
        items = sorted(set(named), key=lambda item: (-named.count(item), item))
        vectors = generator.standard_normal((len(items), bits)).astype(np.float16)
        contents = ReleaseContents(
            item_codes=pack_signs(vectors),
            user_embeddings=generator.standard_normal((len(seen), bits)).astype(np.float16),
            fold_in_messages=vectors,
            seen=RowLists.from_lists([items.index(i) for i in own] for own in seen.values()),
            user_ids=list(seen),
            item_ids=items,
            popularity=np.array([named.count(item) for item in items], np.int64),
            data=DataFingerprint(
                "0" * 64, len(seen), len(items), len(named), None, None, last_event
            ),
            recipe={},
            code_version="test",
            seen_weights=None if weights is None else weights_in_order(seen, items, weights),
            seen_ages=ages_in_order(seen, items) if ordered else None,
            recency=recency,
            repeats=repeats,
            seen_counts=None
            if counts is None
            else weights_in_order(seen, items, counts).astype(np.uint16),
            seen_decayed=None
            if counts is None
            else (weights_in_order(seen, items, counts) / 2).astype(np.float16),
        )
        return store.publish(contents)

    return make


def ages_in_order(seen: dict[str, list[str]], items: list[str]) -> np.ndarray:
    """Return the ages of interactions in the order of a release; each user's newest is last."""
    ages = [
        len(own) - 1 - own.index(item)
        for own in seen.values()
        for item in sorted(own, key=items.index)
    ]
    return stored_ages(np.array(ages))


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    values = {
        "name": "retraining",
        "bits": 32,
        "teacher": {
            "kind": "filter",
            "length": 10,
            "rank": 8,
            "lightgcn": {"weight": 0.5, "epochs": 3},
        },
        "loss": {"cutoffs": [5, 20], "sample": 0},
        "fit": {"epochs": 4, "batch_users": 32},
    }
    return parse_recipe(values, "retraining")


@pytest.fixture
def system(tmp_path, recipe, clustered):
    system = RetrainingSystem(tmp_path, recipe, clustered)
    yield system
    system.events.close()


@pytest.fixture
def published(system: RetrainingSystem) -> RetrainingSystem:
    """A system with a first release and events after it."""
    assert system.retrain(files=system.files).outcome is Outcome.PUBLISHED
    system.add_events()
    return system
