"""The writes of a coalescing transport."""

from collections.abc import Callable
from typing import Any

import pytest

from bitrecall.service.http.write_coalescing import CoalescingTransport, WriteCoalescer


class RecordingTransport:
    """A transport that records writes."""

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
def recording() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def soon() -> list[Callable[[], None]]:
    return []


@pytest.fixture
def coalescing(recording: RecordingTransport, soon: list[Callable[[], None]]) -> Any:
    transport: Any = recording
    return CoalescingTransport(transport, WriteCoalescer(), soon.append)


def test_head_and_body_are_one_write(
    coalescing: Any, recording: RecordingTransport, soon: list
) -> None:
    coalescing.write(b"head ")
    coalescing.write(bytearray(b"body"))
    assert (recording.written, len(soon)) == ([], 1)
    soon.pop()()
    assert recording.written == [b"head body"]
    coalescing.write(b"again")
    soon.pop()()
    assert recording.written == [b"head body", b"again"]


def test_writes_pending_data_before_closing(
    coalescing: Any, recording: RecordingTransport, soon: list
) -> None:
    coalescing.write(b"last")
    coalescing.close()
    soon.pop()()
    assert (recording.written, recording.closed) == ([b"last"], True)


def test_writes_large_data_at_once(
    coalescing: Any, recording: RecordingTransport, soon: list
) -> None:
    coalescing.write(b"head")
    coalescing.write(b"x" * 2**16)
    assert recording.written == [b"head" + b"x" * 2**16]
    coalescing.write(b"more")
    for flush in soon:
        flush()
    assert recording.written[1:] == [b"more"]


def test_does_not_write_to_a_closed_connection(
    coalescing: Any, recording: RecordingTransport, soon: list
) -> None:
    coalescing.write(b"too late")
    recording.closed = True
    soon.pop()()
    assert recording.written == []


def test_copies_data_that_may_change(
    coalescing: Any, recording: RecordingTransport, soon: list
) -> None:
    data = bytearray(b"as it was")
    coalescing.write(data)
    data[:] = b"something else"
    soon.pop()()
    assert recording.written == [b"as it was"]


def test_combines_the_writes_of_two_connections(soon: list) -> None:
    transports = [RecordingTransport() for _ in range(5)]
    coalescer = WriteCoalescer()
    for number, recorded in enumerate(transports):
        transport: Any = recorded
        CoalescingTransport(transport, coalescer, soon.append).write(b"%d" % number)
    written = [[b"0"], [b"1"], [b"2"], [b"3"], []]
    assert [recorded.written for recorded in transports] == written
    for flush in soon:
        flush()
    assert [recorded.written for recorded in transports] == [*written[:4], [b"4"]]
