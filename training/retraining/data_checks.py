"""Is what came in fit to be trained on? Each check has a threshold in the settings.

What they are for is what no gate can see: where the events themselves are wrong, what is held out
of them is too, and a model that has learnt them is judged the better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from bitrecall.index.releases.release import Release
from bitrecall.training.retraining.retraining_data import RetrainingData
from bitrecall.training.retraining.settings import RetrainingSettings

# Fewer nights before say little of what is usual.
_MIN_RUNS = 3
# Where items are all about as popular, new pairs cannot drift away from that.
_MIN_SPREAD = 0.05


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes:
        name: of the check.
        found: the value looked at.
        bound: what it was held against.
        passed: whether that is borne.
        says: a sentence for the report, with what to do where it is not.
        setting: the name of the setting that has the bound.
    """

    name: str
    found: float
    bound: float
    passed: bool
    says: str
    setting: str


@dataclass(frozen=True)
class PastRun:
    """What a night before this one came with.

    Attributes:
        events: how many there were, but for those beyond what one user may send; 0 if all events of
            the database were read.
        from_files: pairs of the files; None where none were given.
    """

    events: int
    from_files: int | None


def check_data(
    data: RetrainingData,
    parent: Release | None,
    past: Sequence[PastRun],
    settings: RetrainingSettings,
) -> list[Check]:
    """All checks that make sense here, in the order of the report.

    Args:
        data: what would be trained on.
        parent: the release that is served; without one only files and events are looked at.
        past: the nights before whose data were sound, the latest last.
        settings: the thresholds.
    """
    found = [*_events(data, past, settings), *_files(data, past, settings)]
    if parent is not None:
        found += _against(parent, data, settings)
    return found


def check_attributes(known: int, before: int, settings: RetrainingSettings) -> Check:
    """Whether a table of items still has what it had.

    Args:
        known: items of the table with a tag or an attribute.
        before: those of the parent.
        settings: the threshold.
    """
    share = known / before if before else 1.0
    return Check(
        "items with attributes",
        share,
        settings.min_attribute_share,
        share >= settings.min_attribute_share,
        f"the table of items says something of {known:,} items, the last release had {before:,}",
        "min_attribute_share",
    )


def _events(
    data: RetrainingData, past: Sequence[PastRun], settings: RetrainingSettings
) -> list[Check]:
    counts, checks = data.counts, []
    usual = [night.events for night in past if night.events]
    came = counts.read - counts.over
    # All events of a database, read again, are no night's.
    if came and len(usual) >= _MIN_RUNS and counts.from_start is None:
        middle = median(usual)
        times = max(came / middle, middle / came)
        checks.append(
            Check(
                "volume",
                times,
                settings.usual_events,
                times <= settings.usual_events,
                f"{came:,} events, where the {len(usual)} nights before had {middle:,.0f}",
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
                f"{counts.repeated:,} of {counts.judged:,} events repeat a pair that was there",
                "max_repeated",
            )
        )
    return checks


def _flood(data: RetrainingData, settings: RetrainingSettings) -> Check:
    """Says who sent the most. It never fails: what is too much of one user is left out already."""
    counts = data.counts
    user, most = counts.by_user.most_common(1)[0]
    says = f"user {user!r} sent {most:,} events, the most of all"
    if counts.flooding:
        says += (
            f"; {len(counts.flooding):,} users sent more than {settings.max_user_events:,}, and "
            f"{counts.over:,} events of theirs were left out: all but the last, and those of items "
            "that nobody else has. If that is no person: bitrecall events forget"
        )
    return Check("bots", most, settings.max_user_events, True, says, "max_user_events")


def _files(
    data: RetrainingData, past: Sequence[PastRun], settings: RetrainingSettings
) -> list[Check]:
    before = next((night.from_files for night in reversed(past) if night.from_files), None)
    if before is None or data.from_files is None:
        return []
    share = data.from_files / before
    return [
        Check(
            "files",
            share,
            settings.min_file_share,
            share >= settings.min_file_share,
            f"the files have {data.from_files:,} pairs, they had {before:,} before",
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
            f"{new:,} new pairs beside {before:,}",
            "max_growth",
        )
    ]
    if counts.judged:
        for whose, unknown, most, setting in (
            ("users", counts.of_unknown_users, settings.max_unknown_users, "max_unknown_users"),
            ("items", counts.of_unknown_items, settings.max_unknown_items, "max_unknown_items"),
        ):
            share = unknown / counts.judged
            said = "by users" if whose == "users" else "of items"
            checks.append(
                Check(
                    f"unknown {whose}",
                    share,
                    most,
                    share <= most,
                    f"{unknown:,} of {counts.judged:,} events are {said} not known so far",
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
        "pairs, the most of all",
        "max_item_share",
    )


def _drift(parent: Release, data: RetrainingData, settings: RetrainingSettings) -> Check:
    drift = popularity_drift(parent, data)
    return Check(
        "popularity",
        drift,
        settings.max_drift,
        drift <= settings.max_drift,
        f"a drift of {drift:.2f}, where 0 is items as popular as before and 1 all items alike: "
        "where it is high, ids may have been mixed up",
        "max_drift",
    )


def popularity_drift(parent: Release, data: RetrainingData) -> float:
    """How far new pairs are from the popularity that the parent's items had.

    An item's place is the share of the parent's pairs that more popular items have, half of its
    own included. New pairs that go by popularity are at 1/2 in the mean; 1 stands for the mean
    place of all items alike, and a number below 0 for items more popular than before. New items
    have no place. 0 where items are all about as popular.
    """
    popularity = np.asarray(parent.popularity, np.float64)
    total = max(popularity.sum(), 1.0)
    places = (np.cumsum(popularity) - popularity / 2) / total
    spread = places.mean() - 0.5
    fresh = data.pairs.select(data.judged)
    rows = [parent.items.row_of(text) for text in fresh.item_ids]
    degrees = fresh.item_degrees
    known = [(row, degrees[item]) for item, row in enumerate(rows) if row is not None]
    weight = sum(int(count) for _, count in known)
    if not weight or spread < _MIN_SPREAD:
        return 0.0
    mean = sum(places[row] * count for row, count in known) / weight
    return float((mean - 0.5) / spread)
