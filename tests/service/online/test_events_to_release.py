"""Whatever the API accepts, a night trains on, and the release that it publishes serves it."""

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
from bitrecall.training.retraining.settings import RetrainingSettings
from bitrecall.training.retraining.steps import RetrainingOptions

pytestmark = pytest.mark.slow

SETTINGS = RetrainingSettings().model_copy(update={"least_pairs": 30, "gate_least_users": 5})
RECIPE = {
    "name": "door",
    "bits": 32,
    "teacher": {"length": 10, "rank": 8, "lightgcn": {"weight": 0.0}},
    "loss": {"cutoffs": [5, 20], "sample": 0},
    "fit": {"epochs": 3, "batch_users": 64},
}

# Each stands for a kind of text: ASCII, blanks, controls, marks, right to left, wide, beyond the
# first plane, no characters, halves of pairs.
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


def text_of(chance: random.Random) -> str:
    length = chance.choice([0, 1, 1, 2, 3, 5, 8, 999, 1000, 1001])
    return "".join(chance.choice(CHARACTERS) for _ in range(length))


def time_of(chance: random.Random) -> str:
    now = datetime.now(UTC)
    moment = chance.choice(
        [
            now,
            now + timedelta(hours=chance.uniform(-48, 48)),
            datetime(chance.choice([1, 1899, 1900, 1969, 1970, 2038, 9999]), 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ]
    )
    zone = chance.choice(["Z", "+00:00", "+14:00", "-14:00", "+23:59", "-23:59"])
    return moment.replace(tzinfo=None).isoformat() + zone


def odd_event(chance: random.Random) -> dict[str, Any]:
    given = {"type": chance.choice(TYPES), "time": time_of(chance), "id": text_of(chance)}
    some = {name: value for name, value in given.items() if chance.random() < 0.5}
    return {"user_id": text_of(chance), "item_id": text_of(chance), **some}


def usual_events(chance: np.random.Generator) -> list[dict[str, Any]]:
    """Users of four tastes, so that there is something to learn."""
    return [
        {"user_id": f"user-{user}", "item_id": f"item-{user % 4 * 20 + item}"}
        for user in range(60)
        for item in chance.choice(20, size=10, replace=False)
    ]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_what_is_accepted_is_trained_on_and_served(
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
    chance = random.Random(26)
    accepted: list[Event] = []
    for event in [odd_event(chance) for _ in range(1500)]:
        # Halves of pairs of surrogates cannot be sent but as escapes.
        body, headers = json.dumps({"events": [event]}), {"content-type": "application/json"}
        answer = client.post("/events", content=body, headers=headers)
        assert answer.status_code in (200, 400, 422), answer.text
        if answer.status_code == 200 and answer.json()["accepted"]:
            # As the API understands it: without the blanks around ids.
            accepted += EventsRequest.model_validate_json(body).all()
    assert 100 < len(accepted) < 1200
    usual = usual_events(np.random.default_rng(3))
    assert client.post("/events", json={"events": usual}).status_code == 200
    store = EventStore(url)
    report, _ = run_retraining(
        releases,
        parse_recipe(RECIPE, "door"),
        SETTINGS,
        RetrainingInputs(None, None, store),
        RetrainingOptions(tmp_path / "work", progress_bar=False),
    )
    store.close()
    assert (report.outcome, report.data["events_unusable"]) == (Outcome.PUBLISHED, 0)
    release = releases.open_current()
    for taken in accepted:
        if taken.type != HIDE:
            row = release.users.row_of(taken.user_id)
            assert row is not None
            assert release.items.row_of(taken.item_id) in release.seen[row]
    client = serve(events=url)
    assert "details" not in client.get("/readyz").json()
    for taken in accepted[:200]:
        asked = {"user_id": taken.user_id, "k": 5, "explain": True}
        assert client.post("/recommend", json=asked).status_code == 200
