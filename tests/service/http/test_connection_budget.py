"""Limits on the number of connections and on their memory."""

from bitrecall.service.http.connection_budget import ConnectionBudget
from bitrecall.service.http.connection_limits import ConnectionLimits

LIMIT = 1000


class Client:
    """A connection with the interface that ``ConnectionBudget`` uses."""

    clock = 100.0

    def __init__(
        self, since: float = 0.0, *, answered: bool = False, busy: bool = False, unread: int = 0
    ) -> None:
        self.since = since
        self.answered = answered
        self.busy = busy
        self.unread = unread
        self.dropped = False

    def now(self) -> float:
        return self.clock

    def waiting_since(self) -> tuple[bool, float] | None:
        return None if self.busy else (self.answered, self.since)

    def unread_bytes(self) -> int:
        return self.unread

    def unread_since(self) -> float:
        return self.since

    def drop(self) -> None:
        self.dropped = True


def budget_of(limit: int = 3) -> ConnectionBudget:
    return ConnectionBudget(ConnectionLimits(connections=limit, buffered_bytes=LIMIT))


def test_closes_no_connection_within_the_limit() -> None:
    clients = [Client() for _ in range(3)]
    assert budget_of().make_room(clients[-1], clients)
    assert not any(client.dropped for client in clients)


def test_closes_connections_without_a_request_before_idle_ones() -> None:
    idle, silent, newer = Client(1, answered=True), Client(5), Client(6)
    new = Client(9)
    assert budget_of().make_room(new, {idle, silent, newer, new})
    assert [client.dropped for client in (idle, silent, newer, new)] == [False, True, False, False]


def test_closes_the_connection_that_has_been_idle_longest() -> None:
    clients = [Client(since, answered=True) for since in (3, 1, 2)]
    new = Client(9)
    assert budget_of().make_room(new, {*clients, new})
    assert [client.dropped for client in clients] == [False, True, False]


def test_has_no_room_if_all_connections_are_busy() -> None:
    clients = [Client(busy=True) for _ in range(3)]
    new = Client()
    assert not budget_of().make_room(new, {*clients, new})
    assert not any(client.dropped for client in (*clients, new))


def test_drops_the_slowest_readers_over_the_limit() -> None:
    budget = budget_of()
    clients = [Client(since, unread=400) for since in (10, 20, 30, 40)]
    for client in clients:
        budget.hold_unread(client)
    assert [client.dropped for client in clients] == [True, True, False, False]


def test_keeps_a_reader_within_the_grace_period() -> None:
    budget = budget_of()
    clients = [Client(99.5, unread=800), Client(99.6, unread=800)]
    for client in clients:
        budget.hold_unread(client)
    assert not any(client.dropped for client in clients)


def test_read_responses_do_not_count() -> None:
    budget = budget_of()
    first, second = Client(1, unread=800), Client(2, unread=800)
    budget.hold_unread(first)
    budget.release_unread(first)
    budget.hold_unread(second)
    assert not first.dropped
    assert not second.dropped


def test_incomplete_requests_share_a_limit() -> None:
    budget = budget_of()
    first, second = Client(), Client()
    assert budget.hold_incomplete(first, 300)
    assert budget.hold_incomplete(first, 900)
    assert not budget.hold_incomplete(second, 200)
    assert budget.hold_incomplete(second, 100)
    budget.release_incomplete(first)
    assert budget.hold_incomplete(second, 1000)
    budget.release_incomplete(second)
    budget.release_incomplete(second)
    assert budget.hold_incomplete(first, 1000)
