"""What comes out of a transport that waits, for what is written to it."""

from collections.abc import Callable
from typing import Any

import pytest

from bitrecall.service.http.write_coalescing import CoalescingTransport, WriteCoalescer


class Kept:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def soon() -> list[Callable[[], None]]:
    return []


@pytest.fixture
def joining(kept: Kept, soon: list[Callable[[], None]]) -> Any:
    transport: Any = kept
    return CoalescingTransport(transport, WriteCoalescer(), soon.append)


def test_head_and_body_are_one_write(joining: Any, kept: Kept, soon: list) -> None:
    joining.write(b"head ")
    joining.write(bytearray(b"body"))
    assert (kept.written, len(soon)) == ([], 1)
    soon.pop()()
    assert kept.written == [b"head body"]
    joining.write(b"again")
    soon.pop()()
    assert kept.written == [b"head body", b"again"]


def test_what_was_written_before_closing_is_not_lost(joining: Any, kept: Kept, soon: list) -> None:
    joining.write(b"last")
    joining.close()
    soon.pop()()
    assert (kept.written, kept.closed) == ([b"last"], True)


def test_much_does_not_wait(joining: Any, kept: Kept, soon: list) -> None:
    joining.write(b"head")
    joining.write(b"x" * 2**16)
    assert kept.written == [b"head" + b"x" * 2**16]
    joining.write(b"more")
    for flush in soon:
        flush()
    assert kept.written[1:] == [b"more"]


def test_nothing_is_written_to_a_connection_that_is_gone(
    joining: Any, kept: Kept, soon: list
) -> None:
    joining.write(b"too late")
    kept.closed = True
    soon.pop()()
    assert kept.written == []


def test_a_change_of_what_was_given_changes_nothing(joining: Any, kept: Kept, soon: list) -> None:
    data = bytearray(b"as it was")
    joining.write(data)
    data[:] = b"something else"
    soon.pop()()
    assert kept.written == [b"as it was"]


def test_two_connections_are_written_to_together_and_more_do_not_wait(soon: list) -> None:
    all_kept = [Kept() for _ in range(5)]
    coalescer = WriteCoalescer()
    for number, one in enumerate(all_kept):
        transport: Any = one
        CoalescingTransport(transport, coalescer, soon.append).write(b"%d" % number)
    written = [[b"0"], [b"1"], [b"2"], [b"3"], []]
    assert [one.written for one in all_kept] == written
    for flush in soon:
        flush()
    assert [one.written for one in all_kept] == [*written[:4], [b"4"]]
