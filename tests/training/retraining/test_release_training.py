from dataclasses import replace

import numpy as np
import pytest

from bitrecall.index.releases.recency import Recency, ages_of
from bitrecall.index.releases.repeats import Repeats
from bitrecall.index.releases.retraining_status import Outcome, RetrainingStatus
from bitrecall.training.data.histories import histories
from bitrecall.training.data.interactions import iso_time
from bitrecall.training.retraining.item_attributes import with_attributes
from tests.training.retraining.retraining_system import SETTINGS, RetrainingSystem

pytestmark = pytest.mark.slow


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
    status = RetrainingStatus.read(system.store.root)
    assert (status.outcome, status.release) == ("published", release.id)


def test_the_next_run_starts_warm_and_adds_the_new_events(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    report = published.retrain()
    assert (report.outcome, report.parent) == (Outcome.PUBLISHED, first)
    assert report.training["candidate"]["warm"]
    assert report.training["release"]["warm"]
    release = published.store.open_current()
    assert release.manifest.parent == first
    assert release.manifest.seen == len(published.files) + len(published.later)
    assert release.manifest.data.last_event == published.events.last_sequence()
    data = release.manifest.data
    last = iso_time(1000.0 + len(published.later) - 1)
    assert (data.first_time, data.last_time) == ("1970-01-01T00:16:40Z", last)
    assert published.retrain().outcome is Outcome.NO_NEW_DATA
    assert published.store.current_id() == release.id
    # No run is left to resume, and each release has a warm start.
    assert list((published.work / "runs").iterdir()) == []
    assert len(list((published.work / "warm-starts").iterdir())) == 2


def test_trains_from_scratch_if_the_warm_start_is_damaged(published: RetrainingSystem) -> None:
    (path,) = (published.work / "warm-starts").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    report = published.retrain()
    assert report.outcome is Outcome.PUBLISHED
    assert "cannot be read" in report.training["candidate"]["from_scratch_because"]


def test_refuses_a_candidate_worse_than_the_current_release(published: RetrainingSystem) -> None:
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


def test_publishes_despite_a_passed_time_limit(published: RetrainingSystem) -> None:
    report = published.retrain(SETTINGS.model_copy(update={"minutes": 1e-6}))
    assert report.outcome in (Outcome.PUBLISHED, Outcome.REFUSED)
    assert report.training["candidate"]["epochs"] == 1
    assert report.training["candidate"]["epochs_wanted"] == 2


def test_keeps_the_recency_and_the_order_of_the_current_release(system: RetrainingSystem) -> None:
    times = np.random.default_rng(3).permutation(len(system.files)) + 0.5
    files = replace(system.files, times=times, order=times)
    assert system.retrain(files=files).outcome is Outcome.PUBLISHED
    first = system.store.open_current()
    assert first.recency is None
    recency = Recency(decay=2.0, known_strength=0.25, fresh_strength=0.5, history_decay=8.0)
    contents = with_attributes(first, first.attributes)
    system.store.publish(replace(contents, recency=recency))
    system.add_events()
    assert system.retrain().outcome is Outcome.PUBLISHED
    release = system.store.open_current()
    assert release.recency == recency
    assert release.seen_ages is not None
    user = system.later.user_ids[system.later.users[0]]
    row = release.users.row_of(user)
    ages = ages_of(release.seen, release.seen_ages, row)
    newest_first = release.items.ids_of(release.seen[row][np.argsort(ages)])
    # Events come in the order of rows, after all pairs of the files.
    by_event = [
        system.later.item_ids[item] for item in system.later.items_of(system.later.users[0])
    ]
    assert newest_first[: len(by_event)] == by_event[::-1]
    (in_files,) = histories(files, [files.user_ids.index(user)])
    assert newest_first[len(by_event) :] == [files.item_ids[item] for item in in_files[::-1]]


def test_keeps_the_repeats_of_the_current_release_and_counts_events(
    system: RetrainingSystem,
) -> None:
    assert system.retrain(files=system.files).outcome is Outcome.PUBLISHED
    first = system.store.open_current()
    assert first.repeats is None
    repeats = Repeats(5.0, (0.0, 1.0), (0.1, 0.4), (1, 4), (0.2, 0.1))
    counts = np.arange(first.manifest.seen) % 7 + 2
    contents = replace(
        with_attributes(first, first.attributes),
        repeats=repeats,
        seen_counts=counts.astype(np.uint16),
        seen_decayed=(counts / 2).astype(np.float16),
    )
    parent = system.store.publish(contents)
    system.add_events()
    assert system.retrain().outcome is Outcome.PUBLISHED
    release = system.store.open_current()
    assert release.repeats == repeats
    for user in np.unique(system.later.users).tolist():
        later = system.later.items_of(user)
        user_id = system.later.user_ids[user]
        before, after = (
            {
                item: (count, decayed)
                for item, count, decayed in zip(
                    which.items.ids_of(own.rows), own.counts, own.decayed, strict=True
                )
            }
            for which in (parent, release)
            for own in [which.own_items(which.users.row_of(user_id))]
        )
        for item, (count, decayed) in before.items():
            expected = decayed * np.exp(-len(later) / repeats.decay)
            assert after[item] == (count, pytest.approx(expected, rel=1e-3))
        for age, row in enumerate(later[::-1]):
            expected = np.exp(-age / repeats.decay)
            assert after[system.later.item_ids[row]] == (1, pytest.approx(expected, rel=1e-3))
