import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bitrecall.events.errors import EventsUnavailableError
from bitrecall.events.event import Appended, Event
from bitrecall.events.store import EventStore
from bitrecall.service.online.group_commit import EventWriter


def event(item: str, event_id: str | None = None) -> Event:
    return Event("u", item, "view", 0.0, event_id)


class Watched(EventStore):
    """A store that remembers its transactions, and waits with each until it is told to go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:///{path}")
        self.transactions: list[int] = []
        self.go_on = threading.Event()
        self.fails = False

    def append_all(self, groups: Sequence[Sequence[Event]]) -> list[Appended]:
        self.transactions.append(len(groups))
        assert self.go_on.wait(300)
        if self.fails:
            raise EventsUnavailableError("gone")
        return super().append_all(groups)


def test_what_comes_during_a_commit_shares_the_next(tmp_path: Path) -> None:
    store, signals = Watched(tmp_path / "events.db"), []

    async def act() -> list[Appended]:
        writer = EventWriter(store, lambda: signals.append(store.last()))
        first = asyncio.create_task(writer.append([event("0", "0")]))
        while not store.transactions:
            await asyncio.sleep(0)
        others = [
            asyncio.create_task(writer.append([event(str(number), str(number % 3))]))
            for number in range(1, 6)
        ]
        await asyncio.sleep(0)
        store.go_on.set()
        return list(await asyncio.gather(first, *others))

    outcomes = asyncio.run(act())
    assert store.transactions == [1, 5]
    assert outcomes == [Appended(1, 0)] * 3 + [Appended(0, 1)] * 3
    assert [one.item_id for one in store.after(0)] == ["0", "1", "2"]
    assert signals == [1, 3]
    store.close()


def test_everybody_hears_of_a_failure_and_the_next_can_go_well(tmp_path: Path) -> None:
    store, signals = Watched(tmp_path / "events.db"), []
    store.go_on.set()

    async def act() -> None:
        writer = EventWriter(store, lambda: signals.append(1))
        store.fails = True
        outcomes = await asyncio.gather(
            *(writer.append([event(str(number))]) for number in range(3)), return_exceptions=True
        )
        assert all(isinstance(outcome, EventsUnavailableError) for outcome in outcomes)
        assert signals == []
        store.fails = False
        assert await writer.append([event("later")]) == Appended(1, 0)

    asyncio.run(act())
    assert [one.item_id for one in store.after(0)] == ["later"]
    store.close()


def test_a_client_that_goes_away_does_not_stop_the_others(tmp_path: Path) -> None:
    store = Watched(tmp_path / "events.db")

    async def act() -> None:
        writer = EventWriter(store, lambda: None)
        gone = asyncio.create_task(writer.append([event("gone")]))
        stays = asyncio.create_task(writer.append([event("stays")]))
        while not store.transactions:
            await asyncio.sleep(0)
        gone.cancel()
        store.go_on.set()
        assert await stays == Appended(1, 0)
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(act())
    assert [one.item_id for one in store.after(0)] == ["gone", "stays"]
    store.close()
