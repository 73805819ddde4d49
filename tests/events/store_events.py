"""Events to store, and what a store contains."""

from bitrecall.events.event import Event
from bitrecall.events.store import EventStore


def event(user: str = "u", item: str = "i", event_id: str | None = None) -> Event:
    return Event(user, item, "view", 1.5, event_id)


def items_of(store: EventStore) -> list[str]:
    return [stored.item_id for stored in store.all_after(0)]
