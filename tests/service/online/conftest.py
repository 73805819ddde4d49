from itertools import count

import pytest

from bitrecall.events.event import StoredEvent

_numbers = count(1)


@pytest.fixture
def stored():  # type: ignore[no-untyped-def]
    """Creates stored events with increasing sequence numbers."""

    def make(user: str, item: str, kind: str = "view") -> StoredEvent:
        return StoredEvent(next(_numbers), user, item, kind, 0.0)

    return make
