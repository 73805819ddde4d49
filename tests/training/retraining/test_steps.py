from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitrecall.events.event import Event
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.training.data.items.item_table import read_item_table
from bitrecall.training.retraining.inputs import RetrainingInputs
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.run import run_retraining
from bitrecall.training.retraining.run_options import RetrainingOptions
from tests.training.retraining.retraining_system import SETTINGS, RetrainingSystem

pytestmark = pytest.mark.slow


def test_does_not_train_with_too_few_new_pairs_or_users(system: RetrainingSystem) -> None:
    system.retrain(files=system.files)
    system.add_events(slice(0, 29))
    assert "29 new pairs, fewer than the minimum of 30" in system.retrain().reason
    report = system.retrain(SETTINGS.model_copy(update={"min_pairs": 2, "gate_min_users": 500}))
    assert (report.outcome, "fewer than the minimum of 500" in report.reason) == (
        Outcome.NO_NEW_DATA,
        True,
    )


def test_refuses_data_that_fail_a_check(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    published.events.append(
        [Event(f"user-{n}", f"junk-{n}-{m}", "view", 1e9) for n in range(60) for m in range(60)]
    )
    report = published.retrain()
    assert report.outcome is Outcome.REFUSED
    assert "are of items that the release does not know" in report.reason
    assert "unknown items" in [check.name for check in report.checks if not check.passed]
    assert published.store.current_id() == first
    published.events.remove_range(len(published.later), published.events.last_sequence())
    assert published.retrain().outcome is Outcome.PUBLISHED


def test_publishes_despite_a_flood_of_events(published: RetrainingSystem, caplog) -> None:
    """The flood is of the latest events; some repeat known pairs, some have unknown items."""
    published.events.append([Event("bot", f"item-{n % 80}", "view", 1e9) for n in range(3001)])
    published.events.append([Event("bot", f"junk-{n}", "view", 1e9 + n) for n in range(2001)])
    report = published.retrain()
    assert report.outcome is Outcome.PUBLISHED
    assert report.data["flooding"] == {"bot": 5002}
    assert report.data["events"] == 5002 + len(published.later)
    assert report.data["events_over"] == 3002
    assert "user 'bot' sent 5,002 events" in next(c for c in report.checks if c.name == "bots").says
    assert "user 'bot' sent 5002 events: at most 2000 count" in caplog.text
    release = published.store.open_current()
    bot = release.users.row_of("bot")
    assert set(release.items.ids_of(release.seen[bot])) <= {f"item-{n}" for n in range(80)}
    assert release.n_items == 80
    assert release.manifest.data.last_event == published.events.last_sequence()


def test_keeps_tags_and_attributes_of_the_parent(system: RetrainingSystem, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("item,tags,price\n" + "".join(f"item-{n},t{n % 3},{n}\n" for n in range(80)))
    table = read_item_table(path)
    options = RetrainingOptions(system.work, progress_bar=False)
    sources = RetrainingInputs(system.files, table, system.events)
    run_retraining(system.store, system.recipe, SETTINGS, sources, options)
    system.add_events()
    system.retrain()
    release = system.store.open_current()
    row = release.items.row_of("item-7")
    assert release.attributes.tags_of(row) == ["t1"]
    assert release.attributes.columns_of(row) == {"price": 7.0}
    half = replace(table, ids=table.ids[:40], tags=table.tags[:40], columns=table.columns[:40])
    system.events.append([Event(f"user-{n}", f"item-{n % 80}", "x", 1.6e9) for n in range(120)])
    sources = RetrainingInputs(None, half, system.events)
    report, _ = run_retraining(system.store, system.recipe, SETTINGS, sources, options)
    assert report.outcome is Outcome.REFUSED
    assert "describes 40 items, the last release had 80" in report.reason
    assert "(BITRECALL_RETRAIN_MIN_ATTRIBUTE_SHARE is 0.9)" in report.reason


def test_publishes_a_changed_item_table_without_new_events(
    system: RetrainingSystem, tmp_path: Path
) -> None:
    system.retrain(files=system.files)
    first = system.store.open_current()
    path = tmp_path / "items.csv"

    def retrain_with_price(price: int, **options: Any) -> Report:
        path.write_text("item,price\n" + "".join(f"item-{n},{n + price}\n" for n in range(80)))
        chosen = RetrainingOptions(system.work, progress_bar=False, **options)
        sources = RetrainingInputs(None, read_item_table(path), system.events)
        return run_retraining(system.store, system.recipe, SETTINGS, sources, chosen)[0]

    assert retrain_with_price(0, dry_run=True).outcome is Outcome.WOULD_PUBLISH
    report = retrain_with_price(0)
    assert report.outcome is Outcome.PUBLISHED
    assert f"the item table has changed; codes are those of {first.id}" in report.reason
    assert "0 new pairs, fewer than the minimum of 30" in report.reason
    release = system.store.open_current()
    assert release.manifest.parent == first.id
    assert release.attributes.columns_of(release.items.row_of("item-7")) == {"price": 7.0}
    assert np.array_equal(release.item_codes, first.item_codes)
    assert release.manifest.metrics == first.manifest.metrics
    assert release.manifest.data == first.manifest.data
    assert retrain_with_price(0).outcome is Outcome.NO_NEW_DATA
    assert retrain_with_price(1).outcome is Outcome.PUBLISHED
    # Events that were too few for a training are still read by the next run.
    system.add_events()
    assert system.retrain().outcome is Outcome.PUBLISHED
    release = system.store.open_current()
    assert release.attributes.columns_of(release.items.row_of("item-7")) == {"price": 8.0}
    assert release.manifest.seen == len(system.files) + len(system.later)
