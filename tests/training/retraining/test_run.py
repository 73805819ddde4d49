import contextlib
import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
from bitrecall.index.releases.retraining_status import Outcome, RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.interactions import Interactions, iso_time
from bitrecall.training.data.items.item_table import read_item_table
from bitrecall.training.errors import RetrainingInProgressError, TrainingError
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import parse_recipe
from bitrecall.training.retraining import run as run_module
from bitrecall.training.retraining import steps
from bitrecall.training.retraining.inputs import RetrainingInputs
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.run import run_retraining
from bitrecall.training.retraining.run_lock import exclusive_run
from bitrecall.training.retraining.settings import RetrainingSettings
from bitrecall.training.retraining.steps import RetrainingOptions
from bitrecall.training.retraining.workspace import Workspace

pytestmark = pytest.mark.slow

SETTINGS = RetrainingSettings().model_copy(
    update={
        "min_pairs": 30,
        "gate_min_users": 5,
        "gate_metric": "recall@10",
        "warm_epochs": 2,
        "warm_teacher_epochs": 2,
        "max_drift": 3.0,
    }
)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    values = {
        "name": "retraining",
        "bits": 32,
        "teacher": {"length": 10, "rank": 8, "lightgcn": {"weight": 0.5, "epochs": 3}},
        "loss": {"cutoffs": [5, 20], "sample": 0},
        "fit": {"epochs": 4, "batch_users": 32},
    }
    return parse_recipe(values, "retraining")


class RetrainingSystem:
    """A store, events and a working folder; later events resemble the first ones."""

    def __init__(self, root: Path, recipe: Recipe, pairs: Interactions) -> None:
        self.store = ReleaseStore(root / "releases")
        self.events = EventStore(f"sqlite:///{root}/events.db")
        self.work = root / "work"
        self.recipe = recipe
        later = np.random.default_rng(5).random(len(pairs)) < 0.3
        self.files = pairs.select(~later)
        self.later = pairs.select(later)

    def add_events(self, part: slice = slice(None)) -> None:
        """Append some of the later pairs as events."""
        pairs = self.later
        self.events.append(
            [
                Event(pairs.user_ids[user], pairs.item_ids[item], "view", 1000.0 + place)
                for place, (user, item) in enumerate(
                    zip(pairs.users[part], pairs.items[part], strict=True)
                )
            ]
        )

    def retrain(self, settings: RetrainingSettings = SETTINGS, **options: Any) -> Report:
        sources = RetrainingInputs(options.pop("files", None), None, self.events)
        recipe = options.pop("recipe", self.recipe)
        store = options.pop("store", self.store)
        chosen = RetrainingOptions(self.work, progress_bar=False, **options)
        report, page = run_retraining(store, recipe, settings, sources, chosen)
        assert json.loads(page.with_suffix(".json").read_text())["outcome"] == report.outcome
        assert report.reason[:40] in page.read_text()
        return report


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


def test_the_first_run_trains_from_scratch_and_must_beat_the_popular_list(
    system: RetrainingSystem,
) -> None:
    report = system.retrain(files=system.files)
    assert (report.outcome, report.parent) == (Outcome.PUBLISHED, None)
    assert report.training["candidate"]["warm"] is False
    assert "popular list" in report.reason
    release = system.store.open_current()
    assert release.id == report.release
    assert release.manifest.seen == len(system.files)
    assert release.manifest.metrics["recall@10"] == report.verdict.candidate["recall@10"]
    told = RetrainingStatus.read(system.store.root)
    assert (told.outcome, told.release) == ("published", release.id)


def test_the_next_goes_on_from_it_with_what_has_come(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    report = published.retrain()
    assert (report.outcome, report.parent) == (Outcome.PUBLISHED, first)
    assert report.training["candidate"]["warm"]
    assert report.training["release"]["warm"]
    release = published.store.open_current()
    assert release.manifest.parent == first
    assert release.manifest.seen == len(published.files) + len(published.later)
    assert release.manifest.data.last_event == published.events.last_sequence()
    known = release.manifest.data
    last = iso_time(1000.0 + len(published.later) - 1)
    assert (known.first_time, known.last_time) == ("1970-01-01T00:16:40Z", last)
    assert published.retrain().outcome is Outcome.NO_NEW_DATA
    assert published.store.current_id() == release.id
    # What broke off or ended is not gone on with, and ends are kept of what is there.
    assert list((published.work / "runs").iterdir()) == []
    assert len(list((published.work / "warm-starts").iterdir())) == 2


def test_a_damaged_warm_start_leads_to_training_from_scratch(published: RetrainingSystem) -> None:
    (end,) = (published.work / "warm-starts").iterdir()
    end.write_bytes(end.read_bytes()[:1000])
    report = published.retrain()
    assert report.outcome is Outcome.PUBLISHED
    assert "cannot be read" in report.training["candidate"]["from_scratch_because"]


def test_waits_for_more_new_pairs_and_users(system: RetrainingSystem) -> None:
    system.retrain(files=system.files)
    system.add_events(slice(0, 29))
    assert "29 new pairs, fewer than the minimum of 30" in system.retrain().reason
    report = system.retrain(SETTINGS.model_copy(update={"min_pairs": 2, "gate_min_users": 500}))
    assert (report.outcome, "fewer than the minimum of 500" in report.reason) == (
        Outcome.NO_NEW_DATA,
        True,
    )


def test_a_flood_of_one_user_does_not_stop_a_run(published: RetrainingSystem, caplog) -> None:
    """Also where its events are the latest, repeat what is there and bring what nobody knows."""
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


def test_data_that_fail_a_check_are_refused(published: RetrainingSystem) -> None:
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


def put_in(system: RetrainingSystem, *rows: tuple[Any, ...]) -> None:
    """Write rows past the store, as somebody with SQL may."""
    path = system.work.parent / "events.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO events (user_id, item_id, type, at) VALUES (?, ?, ?, ?)", rows
        )


def test_unusable_events_are_left_out_and_named(published: RetrainingSystem, caplog) -> None:
    put_in(
        published,
        ("user-1", "item-1", "view", -62135647200.0),
        ("user-2", "item-2", "view", 1e300),
        ("user-3", "item-3", "view", float("inf")),
        ("user-4", "item-4", "view", "soon"),
        ("", "item-5", "view", 1.0),
        ("user-6", b"\xff", "view", 1.0),
        ("user-7", "item\0", "view", 1.0),
        ("u" * 5000, "item-8", "view", 1.0),
        ("user-9", "item-9", "", 1.0),
    )
    first = len(published.later) + 1
    report = published.retrain()
    assert report.outcome is Outcome.PUBLISHED
    assert report.data["events_unusable"] == 9
    assert report.data["unusable"][0] == {
        "event": first,
        "user": "'user-1'",
        "item": "'item-1'",
        "reason": "the time is before 1900 (UTC)",
    }
    assert f"left out event {first} (user 'user-1', item 'item-1'): the time" in caplog.text
    release = published.store.open_current()
    assert release.manifest.data.last_event == first + 8
    assert release.manifest.seen == len(published.files) + len(published.later)


def test_text_that_is_not_utf8_is_left_out(published: RetrainingSystem) -> None:
    path = published.work.parent / "events.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO events (user_id, item_id, type, at) "
            "VALUES (CAST(x'ff41' AS TEXT), 'item-1', 'view', 1.0)"
        )
    report = published.retrain()
    assert (report.outcome, report.data["events_unusable"]) == (Outcome.PUBLISHED, 1)
    assert report.data["unusable"][0]["reason"] == "the user id is not valid Unicode"


def test_with_another_database_everything_is_read_from_the_start(
    published: RetrainingSystem, caplog
) -> None:
    """A release trained up to an event of one database, and another one that has fewer."""
    assert published.retrain().outcome is Outcome.PUBLISHED
    before = published.store.open_current()
    published.events.close()
    published.events = EventStore(f"sqlite:///{published.work.parent}/other.db")
    pairs = published.files
    new = [Event(pairs.user_ids[u], f"item-{(u * 7) % 80}", "view", 1e9) for u in range(60)]
    published.events.append(new)
    report = published.retrain(SETTINGS.model_copy(update={"min_pairs": 5, "gate_min_users": 1}))
    assert before.manifest.data.last_event > 60
    assert "of another events database" in report.data["read_from_start"]
    assert report.data["events"] == 60
    assert "of another events database" in caplog.text
    assert report.outcome is Outcome.PUBLISHED
    data = published.store.open_current().manifest.data
    assert (data.last_event, data.events_id) == (60, published.events.state().log_id)
    assert published.retrain().data["read_from_start"] is None


def test_a_candidate_that_is_worse_is_refused(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    worse = published.recipe.model_copy(
        update={
            "encoder": published.recipe.encoder.model_copy(update={"start": "random"}),
            "fit": published.recipe.fit.model_copy(update={"epochs": 1, "learning_rate": 1e-9}),
        }
    )
    report = published.retrain(recipe=worse, from_scratch=True)
    assert report.outcome is Outcome.REFUSED
    assert report.verdict.differences["recall@10"].high < 0
    assert report.training["candidate"]["from_scratch_because"] == "requested by --from-scratch"
    assert [summary.id for summary in published.store.list()] == [first]
    assert RetrainingStatus.read(published.store.root).outcome == "refused"


def test_a_dry_run_publishes_nothing_and_the_next_run_goes_on_from_it(
    published: RetrainingSystem,
) -> None:
    first = published.store.current_id()
    assert published.retrain(dry_run=True).outcome is Outcome.WOULD_PUBLISH
    assert [summary.id for summary in published.store.list()] == [first]
    (folder,) = (published.work / "runs").iterdir()
    assert published.retrain().training["candidate"]["seconds"] < 60
    assert not folder.exists()
    assert published.store.current_id() != first


def test_an_interrupted_run_resumes_with_the_same_events(
    published: RetrainingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise TrainingError("the lights went out")

    first = published.store.current_id()
    until = published.events.last_sequence()
    with monkeypatch.context() as broken:
        broken.setattr(steps, "judge", fails)
        with pytest.raises(TrainingError, match="lights"):
            published.retrain()
    assert published.store.current_id() == first
    assert RetrainingStatus.read(published.store.root).outcome == "failed"
    (folder,) = (published.work / "runs").iterdir()
    published.events.append([Event("user-0", "item-0", "view", 1.7e9)])
    logged: list[str] = []
    forget = Workspace.clear_run

    def looked_at(self: Workspace) -> None:
        logged.append((folder / "log.jsonl").read_text())
        forget(self)

    monkeypatch.setattr(Workspace, "clear_run", looked_at)
    assert published.retrain().outcome is Outcome.PUBLISHED
    assert '"resumed"' in logged[0]
    assert published.store.open_current().manifest.data.last_event == until


def test_what_failed_is_told_even_where_no_report_can_be_written(
    published: RetrainingSystem, caplog
) -> None:
    shutil.rmtree(published.work / "reports")
    (published.work / "reports").write_text("no folder")
    with pytest.raises(TrainingError, match="1 MiB are allowed"):
        published.retrain(SETTINGS.model_copy(update={"memory_mib": 1}))
    assert "the report of this run could not be written" in caplog.text


def test_whoever_is_forgotten_is_in_no_later_release(published: RetrainingSystem) -> None:
    gone = published.later.user_ids[published.later.users[0]]
    assert published.store.open_current().users.row_of(gone) is not None
    published.events.forget(gone)
    report = published.retrain(files=published.files)
    assert report.outcome is Outcome.PUBLISHED
    assert report.data["forgotten"] == 1
    assert published.store.open_current().users.row_of(gone) is None


def test_a_release_activated_meanwhile_stays(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    other = published.retrain().release

    class Meanwhile(ReleaseStore):
        def publish(self, *given: Any, **named: Any) -> Any:
            ReleaseStore(self.root).activate(first)
            return super().publish(*given, **named)

    published.events.append([Event(f"user-{n}", "item-new", "view", 1.5e9 + n) for n in range(60)])
    settings = SETTINGS.model_copy(update={"max_item_share": 1.0, "max_unknown_items": 1.0})
    report = published.retrain(settings, store=Meanwhile(published.store.root))
    assert (report.outcome, report.parent) == (Outcome.HELD_BACK, other)
    assert published.store.current_id() == first
    assert report.release in [summary.id for summary in published.store.list()]


def test_only_one_run_at_a_time(published: RetrainingSystem) -> None:
    with (
        exclusive_run(published.store.root),
        pytest.raises(RetrainingInProgressError, match="another run is retraining"),
    ):
        published.retrain()
    assert published.retrain().outcome is Outcome.PUBLISHED


def test_what_fails_is_reported_and_leaves_the_release(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    with pytest.raises(TrainingError, match=r"needs about .* MiB, and 64 MiB are allowed"):
        published.retrain(SETTINGS.model_copy(update={"memory_mib": 64}))
    told = RetrainingStatus.read(published.store.root)
    assert (told.outcome, "64 MiB are allowed" in told.reason) == ("failed", True)
    assert published.store.current_id() == first


def test_an_unexpected_error_is_named_and_its_traceback_is_in_the_report(
    published: RetrainingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(steps, "judge", fails)
    with pytest.raises(ZeroDivisionError):
        published.retrain()
    told = RetrainingStatus.read(published.store.root)
    assert told.reason.startswith("a bug in Bitrecall, ZeroDivisionError: nothing to divide by")
    (path,) = [p for p in (published.work / "reports").glob("*.json") if "ZeroDiv" in p.read_text()]
    assert "in fails" in json.loads(path.read_text())["trace"]
    assert "in fails" in path.with_suffix(".html").read_text()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory: 8 bytes")])
def test_too_little_memory_is_said_with_what_to_do(error: Exception) -> None:
    assert "BITRECALL_RETRAIN_MEMORY_MIB" in run_module.reason_of(error)


def test_a_release_is_published_even_if_old_ones_cannot_be_removed(
    published: RetrainingSystem, caplog
) -> None:
    class Stuck(ReleaseStore):
        def prune(self, *_: object) -> list[str]:
            raise PermissionError(13, "Permission denied", "releases")

    report = published.retrain(store=Stuck(published.store.root))
    assert report.outcome is Outcome.PUBLISHED
    assert published.store.current_id() == report.release
    assert "old releases could not be removed" in caplog.text


def test_a_run_out_of_time_still_publishes(published: RetrainingSystem) -> None:
    report = published.retrain(SETTINGS.model_copy(update={"minutes": 1e-6}))
    assert report.outcome in (Outcome.PUBLISHED, Outcome.REFUSED)
    assert report.training["candidate"]["epochs"] == 1
    assert report.training["candidate"]["epochs_wanted"] == 2


def test_old_releases_and_their_ends_go(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    report = published.retrain(SETTINGS.model_copy(update={"keep": 1}))
    assert report.removed == [first]
    assert [summary.id for summary in published.store.list()] == [report.release]
    assert len(list((published.work / "warm-starts").iterdir())) == 1


def test_tags_and_attributes_are_kept(system: RetrainingSystem, tmp_path: Path) -> None:
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


def test_a_changed_table_of_items_is_published_without_new_events(
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
    # The events that were too few then count once there are enough, from the same place on.
    system.add_events()
    assert system.retrain().outcome is Outcome.PUBLISHED
    release = system.store.open_current()
    assert release.attributes.columns_of(release.items.row_of("item-7")) == {"price": 8.0}
    assert release.manifest.seen == len(system.files) + len(system.later)
