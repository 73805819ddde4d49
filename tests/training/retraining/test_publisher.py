from typing import Any

import pytest

from bitrecall.events.event import Event
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.index.releases.store import ReleaseStore
from tests.training.retraining.retraining_system import SETTINGS, RetrainingSystem

pytestmark = pytest.mark.slow


def test_keeps_a_release_that_was_activated_meanwhile(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    other = published.retrain().release

    class ActivatesAnother(ReleaseStore):
        def publish(self, *args: Any, **kwargs: Any) -> Any:
            ReleaseStore(self.root).activate(first)
            return super().publish(*args, **kwargs)

    published.events.append([Event(f"user-{n}", "item-new", "view", 1.5e9 + n) for n in range(60)])
    settings = SETTINGS.model_copy(update={"max_item_share": 1.0, "max_unknown_items": 1.0})
    report = published.retrain(settings, store=ActivatesAnother(published.store.root))
    assert (report.outcome, report.parent) == (Outcome.HELD_BACK, other)
    assert published.store.current_id() == first
    assert report.release in [summary.id for summary in published.store.list()]


def test_publishes_even_if_old_releases_cannot_be_removed(
    published: RetrainingSystem, caplog
) -> None:
    class FailsToPrune(ReleaseStore):
        def prune(self, *_: object) -> list[str]:
            raise PermissionError(13, "Permission denied", "releases")

    report = published.retrain(store=FailsToPrune(published.store.root))
    assert report.outcome is Outcome.PUBLISHED
    assert published.store.current_id() == report.release
    assert "old releases could not be removed" in caplog.text


def test_removes_old_releases_and_their_warm_starts(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    report = published.retrain(SETTINGS.model_copy(update={"keep": 1}))
    assert report.removed == [first]
    assert [summary.id for summary in published.store.list()] == [report.release]
    assert len(list((published.work / "warm-starts").iterdir())) == 1
