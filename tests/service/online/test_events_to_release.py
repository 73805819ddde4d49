"""Retraining accepts every event that the API accepts, and publishes a working release."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from bitrecall.events.event import HIDE, Event
from bitrecall.events.store import EventStore
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.schemas.events import EventsRequest
from bitrecall.training.recipe.recipe_file import parse_recipe
from bitrecall.training.retraining.inputs import RetrainingInputs
from bitrecall.training.retraining.run import run_retraining
from bitrecall.training.retraining.run_options import RetrainingOptions
from bitrecall.training.retraining.settings import RetrainingSettings

pytestmark = pytest.mark.slow

SETTINGS = RetrainingSettings().model_copy(update={"least_pairs": 30, "gate_least_users": 5})
RECIPE = {
    "name": "events",
    "bits": 32,
    "teacher": {"length": 10, "rank": 8, "lightgcn": {"weight": 0.0}},
    "loss": {"cutoffs": [5, 20], "sample": 0},
    "fit": {"epochs": 3, "batch_users": 64},
}

# Kinds of characters: ASCII, white space, controls, punctuation, combining, right to left, wide,
# outside the basic plane, noncharacters, surrogates.
CHARACTERS = [
    *("a", "B", "7", " ", "\t", "\n", "\r", "\0", "\x1f", "\x7f", "\x85", "\xa0", "\xad"),
    *('"', "\\", "/", "'", ",", ";", "$", "e\u0301", "\u00e9", "\u0130", "\u05d0", "\u200b"),
    *("\u202e", "\ufeff", "\u4e2d", "\ufffd", "\ufffe", "\uffff", "\U0001f6f6", "\U0010ffff"),
    *("\ud800", "\udfff"),
]
TYPES = [
    *("view", "hide", "a", "a.b-c_d", "x" * 64, "x" * 65),
    *("View", "", "$forget", "a b", "a\n", "\u00e9"),
]


def text_of(random_: random.Random) -> str:
    length = random_.choice([0, 1, 1, 2, 3, 5, 8, 999, 1000, 1001])
    return "".join(random_.choice(CHARACTERS) for _ in range(length))


def time_of(random_: random.Random) -> str:
    now = datetime.now(UTC)
    time = random_.choice(
        [
            now,
            now + timedelta(hours=random_.uniform(-48, 48)),
            datetime(random_.choice([1, 1899, 1900, 1969, 1970, 2038, 9999]), 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ]
    )
    zone = random_.choice(["Z", "+00:00", "+14:00", "-14:00", "+23:59", "-23:59"])
    return time.replace(tzinfo=None).isoformat() + zone


def unusual_event(random_: random.Random) -> dict[str, Any]:
    optional = {"type": random_.choice(TYPES), "time": time_of(random_), "id": text_of(random_)}
    chosen = {name: value for name, value in optional.items() if random_.random() < 0.5}
    return {"user_id": text_of(random_), "item_id": text_of(random_), **chosen}


def common_events(random_: np.random.Generator) -> list[dict[str, Any]]:
    """Users in four groups of interests, so that training has a signal."""
    return [
        {"user_id": f"user-{user}", "item_id": f"item-{user % 4 * 20 + item}"}
        for user in range(60)
        for item in random_.choice(20, size=10, replace=False)
    ]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_accepted_events_are_trained_on_and_served(
    kind: str,
    serve: Callable[..., httpx.Client],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    url = f"sqlite:///{tmp_path}/events.db"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_url")
    releases = ReleaseStore(tmp_path / "releases")
    client = serve(events=url)
    random_ = random.Random(26)
    accepted: list[Event] = []
    for event in [unusual_event(random_) for _ in range(1500)]:
        # Lone surrogates can only be sent as escapes.
        body, headers = json.dumps({"events": [event]}), {"content-type": "application/json"}
        answer = client.post("/events", content=body, headers=headers)
        assert answer.status_code in (200, 400, 422), answer.text
        if answer.status_code == 200 and answer.json()["accepted"]:
            # As the API parses them: without white space around ids.
            accepted += EventsRequest.model_validate_json(body).all()
    assert 100 < len(accepted) < 1200
    common = common_events(np.random.default_rng(3))
    assert client.post("/events", json={"events": common}).status_code == 200
    store = EventStore(url)
    report, _ = run_retraining(
        releases,
        parse_recipe(RECIPE, "events"),
        SETTINGS,
        RetrainingInputs(None, None, store),
        RetrainingOptions(tmp_path / "work", progress_bar=False),
    )
    store.close()
    assert (report.outcome, report.data["events_unusable"]) == (Outcome.PUBLISHED, 0)
    release = releases.open_current()
    for stored in accepted:
        if stored.type != HIDE:
            row = release.users.row_of(stored.user_id)
            assert row is not None
            assert release.items.row_of(stored.item_id) in release.seen[row]
    client = serve(events=url)
    assert "details" not in client.get("/readyz").json()
    for stored in accepted[:200]:
        query = {"user_id": stored.user_id, "k": 5, "explain": True}
        assert client.post("/recommend", json=query).status_code == 200
