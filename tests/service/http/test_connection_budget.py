"""How many connections there may be, and what they may keep in memory."""

from bitrecall.service.http.connection_budget import ConnectionBudget
from bitrecall.service.http.connection_limits import ConnectionLimits

LIMIT = 1000


class Client:
    """A connection as ``ConnectionBudget`` sees it."""

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


def connections(most: int = 3) -> ConnectionBudget:
    return ConnectionBudget(ConnectionLimits(connections=most, buffered_bytes=LIMIT))


def test_up_to_the_limit_nobody_is_closed() -> None:
    clients = [Client() for _ in range(3)]
    assert connections().make_room(clients[-1], clients)
    assert not any(client.dropped for client in clients)


def test_one_that_never_sent_a_request_goes_before_an_idle_one_that_waits_longer() -> None:
    idle, silent, newer = Client(1, answered=True), Client(5), Client(6)
    new = Client(9)
    assert connections().make_room(new, {idle, silent, newer, new})
    assert [one.dropped for one in (idle, silent, newer, new)] == [False, True, False, False]


def test_of_idle_ones_the_longest_waiting_goes() -> None:
    clients = [Client(since, answered=True) for since in (3, 1, 2)]
    new = Client(9)
    assert connections().make_room(new, {*clients, new})
    assert [one.dropped for one in clients] == [False, True, False]


def test_where_all_are_being_answered_there_is_no_room() -> None:
    clients = [Client(busy=True) for _ in range(3)]
    new = Client()
    assert not connections().make_room(new, {*clients, new})
    assert not any(client.dropped for client in (*clients, new))


def test_beyond_the_limit_the_slowest_readers_are_dropped() -> None:
    every = connections()
    clients = [Client(since, unread=400) for since in (10, 20, 30, 40)]
    for client in clients:
        every.hold_unread(client)
    assert [client.dropped for client in clients] == [True, True, False, False]


def test_a_reader_that_has_just_begun_to_be_slow_stays() -> None:
    every = connections()
    clients = [Client(99.5, unread=800), Client(99.6, unread=800)]
    for client in clients:
        every.hold_unread(client)
    assert not any(client.dropped for client in clients)


def test_one_that_has_read_its_answer_counts_no_more() -> None:
    every = connections()
    first, second = Client(1, unread=800), Client(2, unread=800)
    every.hold_unread(first)
    every.release_unread(first)
    every.hold_unread(second)
    assert not first.dropped
    assert not second.dropped


def test_incomplete_requests_have_a_limit_together() -> None:
    every = connections()
    first, second = Client(), Client()
    assert every.hold_incomplete(first, 300)
    assert every.hold_incomplete(first, 900)
    assert not every.hold_incomplete(second, 200)
    assert every.hold_incomplete(second, 100)
    every.release_incomplete(first)
    assert every.hold_incomplete(second, 1000)
    every.release_incomplete(second)
    every.release_incomplete(second)
    assert every.hold_incomplete(first, 1000)
