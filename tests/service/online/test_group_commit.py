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


class RecordingStore(EventStore):
    """A store that records its transactions, and waits in each until ``may_continue`` is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:///{path}")
        self.transactions: list[int] = []
        self.may_continue = threading.Event()
        self.fails = False

    def append_all(self, groups: Sequence[Sequence[Event]]) -> list[Appended]:
        self.transactions.append(len(groups))
        assert self.may_continue.wait(300)
        if self.fails:
            raise EventsUnavailableError("gone")
        return super().append_all(groups)


def test_requests_during_a_commit_share_the_next(tmp_path: Path) -> None:
    store, notifications = RecordingStore(tmp_path / "events.db"), []

    async def main() -> list[Appended]:
        writer = EventWriter(store, lambda: notifications.append(store.last_sequence()))
        first = asyncio.create_task(writer.append([event("0", "0")]))
        while not store.transactions:
            await asyncio.sleep(0)
        others = [
            asyncio.create_task(writer.append([event(str(number), str(number % 3))]))
            for number in range(1, 6)
        ]
        await asyncio.sleep(0)
        store.may_continue.set()
        return list(await asyncio.gather(first, *others))

    outcomes = asyncio.run(main())
    assert store.transactions == [1, 5]
    assert outcomes == [Appended(1, 0)] * 3 + [Appended(0, 1)] * 3
    assert [stored.item_id for stored in store.after(0)] == ["0", "1", "2"]
    assert notifications == [1, 3]
    store.close()


def test_a_failure_reaches_all_requests_of_a_commit_only(tmp_path: Path) -> None:
    store, notifications = RecordingStore(tmp_path / "events.db"), []
    store.may_continue.set()

    async def main() -> None:
        writer = EventWriter(store, lambda: notifications.append(1))
        store.fails = True
        outcomes = await asyncio.gather(
            *(writer.append([event(str(number))]) for number in range(3)), return_exceptions=True
        )
        assert all(isinstance(outcome, EventsUnavailableError) for outcome in outcomes)
        assert notifications == []
        store.fails = False
        assert await writer.append([event("later")]) == Appended(1, 0)

    asyncio.run(main())
    assert [stored.item_id for stored in store.after(0)] == ["later"]
    store.close()


def test_a_cancelled_request_does_not_affect_the_others(tmp_path: Path) -> None:
    store = RecordingStore(tmp_path / "events.db")

    async def main() -> None:
        writer = EventWriter(store, lambda: None)
        cancelled = asyncio.create_task(writer.append([event("gone")]))
        other = asyncio.create_task(writer.append([event("stays")]))
        while not store.transactions:
            await asyncio.sleep(0)
        cancelled.cancel()
        store.may_continue.set()
        assert await other == Appended(1, 0)
        with pytest.raises(asyncio.CancelledError):
            await cancelled

    asyncio.run(main())
    assert [stored.item_id for stored in store.after(0)] == ["gone", "stays"]
    store.close()
