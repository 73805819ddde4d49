"""Checks of the data before training; each has a threshold in the settings.

They catch what the gate cannot: if the events are wrong, the held-out events are wrong too, and a
model that has learnt them looks better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from bitrecall.index.releases.release import Release
from bitrecall.training.retraining.popularity_drift import popularity_drift
from bitrecall.training.retraining.retraining_data import RetrainingData
from bitrecall.training.retraining.settings import RetrainingSettings

# Fewer past runs say little about the usual volume.
_MIN_RUNS = 3


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Attributes:
        name: name of the check.
        found: the measured value.
        bound: the threshold.
        passed: whether the value is within the threshold.
        says: a sentence for the report, with what to do if the check failed.
        setting: the name of the setting with the threshold.
    """

    name: str
    found: float
    bound: float
    passed: bool
    says: str
    setting: str


@dataclass(frozen=True)
class PastRun:
    """The data of an earlier run.

    Attributes:
        events: number of events, without those above the limit per user; 0 if the database was
            read from the start.
        from_files: number of pairs from files; None without files.
    """

    events: int
    from_files: int | None


def check_data(
    data: RetrainingData,
    parent: Release | None,
    past: Sequence[PastRun],
    settings: RetrainingSettings,
) -> list[Check]:
    """Run all checks that apply, in the order of the report.

    Args:
        data: the collected training data.
        parent: the release that is served; without one only files and events are checked.
        past: earlier runs whose data passed the checks, the latest last.
        settings: the thresholds.
    """
    found = [*_events(data, past, settings), *_files(data, past, settings)]
    if parent is not None:
        found += _against(parent, data, settings)
    return found


def check_attributes(known: int, before: int, settings: RetrainingSettings) -> Check:
    """Check that the item table still covers the items it used to cover.

    Args:
        known: number of items with a tag or an attribute in the table.
        before: the same number for the parent.
        settings: the threshold.
    """
    share = known / before if before else 1.0
    return Check(
        "items with attributes",
        share,
        settings.min_attribute_share,
        share >= settings.min_attribute_share,
        f"the item table describes {known:,} items, the last release had {before:,}",
        "min_attribute_share",
    )


def _events(
    data: RetrainingData, past: Sequence[PastRun], settings: RetrainingSettings
) -> list[Check]:
    counts, checks = data.counts, []
    usual = [run.events for run in past if run.events]
    came = counts.read - counts.over
    # A database that is read from the start again does not have the volume of one run.
    if came and len(usual) >= _MIN_RUNS and counts.from_start is None:
        middle = median(usual)
        times = max(came / middle, middle / came)
        checks.append(
            Check(
                "volume",
                times,
                settings.usual_events,
                times <= settings.usual_events,
                f"{came:,} events; the median of the last {len(usual)} runs is {middle:,.0f}",
                "usual_events",
            )
        )
    if counts.taken:
        checks.append(_flood(data, settings))
    if counts.judged and counts.from_start is None:
        share = counts.repeated / counts.judged
        checks.append(
            Check(
                "repeats",
                share,
                settings.max_repeated,
                share <= settings.max_repeated,
                f"{counts.repeated:,} of {counts.judged:,} events repeat a known pair",
                "max_repeated",
            )
        )
    return checks


def _flood(data: RetrainingData, settings: RetrainingSettings) -> Check:
    """Name the user with the most events. Never fails: the excess is already left out."""
    counts = data.counts
    user, most = counts.by_user.most_common(1)[0]
    says = f"user {user!r} sent {most:,} events, the most of all users"
    if counts.flooding:
        says += (
            f"; {len(counts.flooding):,} users sent more than {settings.max_user_events:,}, and "
            f"{counts.over:,} of their events were left out: all but the last ones, and those for "
            "items that no other user has. To remove a bot: bitrecall events forget"
        )
    return Check("bots", most, settings.max_user_events, True, says, "max_user_events")


def _files(
    data: RetrainingData, past: Sequence[PastRun], settings: RetrainingSettings
) -> list[Check]:
    before = next((run.from_files for run in reversed(past) if run.from_files), None)
    if before is None or data.from_files is None:
        return []
    share = data.from_files / before
    return [
        Check(
            "files",
            share,
            settings.min_file_share,
            share >= settings.min_file_share,
            f"the files have {data.from_files:,} pairs, in the last run with files {before:,}",
            "min_file_share",
        )
    ]


def _against(parent: Release, data: RetrainingData, settings: RetrainingSettings) -> list[Check]:
    counts, fresh = data.counts, data.pairs.select(data.judged)
    new, before = len(fresh), parent.manifest.seen
    checks = [
        Check(
            "growth",
            new / max(before, 1),
            settings.max_growth,
            new <= settings.max_growth * before,
            f"{new:,} new pairs added to {before:,}",
            "max_growth",
        )
    ]
    if counts.judged:
        for whose, unknown, most, setting in (
            ("users", counts.of_unknown_users, settings.max_unknown_users, "max_unknown_users"),
            ("items", counts.of_unknown_items, settings.max_unknown_items, "max_unknown_items"),
        ):
            share = unknown / counts.judged
            whose_events = "by users" if whose == "users" else "of items"
            checks.append(
                Check(
                    f"unknown {whose}",
                    share,
                    most,
                    share <= most,
                    f"{unknown:,} of {counts.judged:,} events are {whose_events} that the "
                    "release does not know",
                    setting,
                )
            )
    if new:
        checks += [_one_item(data, settings), _drift(parent, data, settings)]
    return checks


def _one_item(data: RetrainingData, settings: RetrainingSettings) -> Check:
    fresh = data.pairs.select(data.judged)
    item = int(np.argmax(fresh.item_degrees))
    share = int(fresh.item_degrees[item]) / len(fresh)
    return Check(
        "one item",
        share,
        settings.max_item_share,
        share <= settings.max_item_share,
        f"item {fresh.item_ids[item]!r} has {fresh.item_degrees[item]:,} of {len(fresh):,} new "
        "pairs, the most of all items",
        "max_item_share",
    )


def _drift(parent: Release, data: RetrainingData, settings: RetrainingSettings) -> Check:
    drift = popularity_drift(parent, data)
    return Check(
        "popularity",
        drift,
        settings.max_drift,
        drift <= settings.max_drift,
        f"drift {drift:.2f}: 0 means that items are as popular as before, 1 that all items are "
        "equally popular, more that rare items are preferred. If it is high, check for mixed-up "
        "item ids",
        "max_drift",
    )
