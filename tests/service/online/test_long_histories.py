"""Users with many events: all items are excluded, and the newest determine the code."""

from collections.abc import Sequence
from itertools import count
from unittest.mock import patch

import numpy as np
import pytest

from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.index.fold_in.fresh_items import extended_codes
from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.index.recommend import recommender as module
from bitrecall.index.recommend.item_history import LONG, ItemHistory
from bitrecall.index.recommend.lookups import user_info
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import QueryOptions
from bitrecall.index.releases.release import Release
from bitrecall.service.online.recent_events import RecentEvents

USERS = ["17", "all seen", "none seen", "new user"]
IDS = [*(f"item {row}" for row in range(59)), *(f"new {row}" for row in range(20))]


def recent_events_of(release: Release, events: Sequence[tuple[str, str, str]]) -> RecentEvents:
    recent = RecentEvents(release, min_users=1)
    numbers = count(1)
    recent.add(StoredEvent(next(numbers), *event, 0.0) for event in events)
    return recent


class Plain:
    """The same interface with plain lists."""

    def __init__(self, events: Sequence[tuple[str, str, str]]) -> None:
        self._events = events

    def _items(self, user_id: str, hidden: bool) -> list[str]:
        items = [item for user, item, kind in self._events if user == user_id]
        kinds = [kind == HIDE for user, _, kind in self._events if user == user_id]
        selected = [item for item, hide in zip(items, kinds, strict=True) if hide == hidden]
        return list(dict.fromkeys(reversed(selected)))[::-1]

    def interactions_of(self, user_id: str) -> list[str]:
        return self._items(user_id, hidden=False)

    def hidden_items_of(self, user_id: str) -> list[str]:
        return self._items(user_id, hidden=True)

    def is_forgotten(self, user_id: str) -> bool:
        return False


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("folded", [1, 7, 100])
def test_results_equal_those_of_plain_lists(release: Release, seed: int, folded: int) -> None:
    random = np.random.default_rng(seed)
    events = [
        (str(random.choice(USERS[:2])), str(random.choice(IDS)), str(random.choice(["view", HIDE])))
        for _ in range(5 * LONG)
    ]
    recent = recent_events_of(release, events)
    new = recent.new_items()
    kept = Recommender(release, new, recent, folded_items=folded)
    plain = Recommender(release, new, Plain(events), folded_items=100)
    for explain in (False, True):
        options = QueryOptions(80, explain=explain)
        for user in USERS:
            result, expected = kept.recommend(user, options), plain.recommend(user, options)
            assert set(result.item_ids) == set(expected.item_ids)
            if folded >= len(IDS):
                assert result == expected
    for user in USERS:
        assert user_info(kept, user) == user_info(plain, user)


def test_the_newest_items_determine_the_code_and_all_are_excluded(release: Release) -> None:
    items = [f"item {row}" for row in range(40)] + ["new 1"] * 30 + ["item 3"]
    recent = recent_events_of(release, [("new user", item, "view") for item in items])
    assert isinstance(recent.interactions_of("new user"), ItemHistory)
    recommender = Recommender(release, None, recent, folded_items=2)
    answer = recommender.recommend("new user", QueryOptions(60, explain=True))
    code = UserFoldIn.of(release).codes([np.array([39, 3])])
    assert answer.code == code.tobytes().hex()
    assert set(answer.item_ids) == {release.items.id_of(row) for row in range(40, 60)}


def test_adds_recent_items_to_a_long_history(release: Release) -> None:
    rows = [row for row in range(10, 59) if row != 30]
    events = [("17", f"item {row}", "view") for row in rows] * 2
    recommender = Recommender(release, None, recent_events_of(release, events))
    user = release.users.row_of("17")
    code = extended_codes(release, np.array([user]), [np.array(rows)])
    for _ in range(2):
        answer = recommender.recommend("17", QueryOptions(60, explain=True))
        assert (answer.code, answer.source) == (code.tobytes().hex(), "codes+history")


def test_forgets_all_items_of_a_long_history(release: Release) -> None:
    events = [("a", f"new {row}", "view") for row in range(100)]
    recent = recent_events_of(release, [*events, ("a", "", FORGET)])
    assert list(recent.interactions_of("a")) == []
    assert recent.new_items() is None


@pytest.mark.parametrize("kind", ["view", HIDE])
def test_users_with_long_histories_run_on_a_thread(release: Release, kind: str) -> None:
    events = [("a", f"item {row % 50}", kind) for row in range(100)]
    events += [("b", "item 1", kind)]
    with patch.object(module, "MANY_ITEMS", 45):
        recommender = Recommender(release, None, recent_events_of(release, events))
        assert recommender.is_long("a")
        assert recommender.is_long("all seen")
        assert not recommender.is_long("b")
        assert not recommender.is_long("17")
        assert not recommender.is_long(None)
