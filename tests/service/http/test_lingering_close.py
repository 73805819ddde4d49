"""The messages between application and server when a body is not read."""

import asyncio

from starlette.types import Message

from bitrecall.service.http import lingering_close as closing
from bitrecall.service.http.lingering_close import ClosingResponse

SCOPE = {"type": "http"}


def exchange(incoming: list[Message] | None) -> tuple[list[Message], int]:
    """The messages sent, and the number read of ``incoming`` (None: endless)."""
    sent: list[Message] = []
    read = 0

    async def receive() -> Message:
        nonlocal read
        # The complete response has to be sent before more data is read.
        assert b"".join(message.get("body", b"") for message in sent) == b"refused"
        read += 1
        if incoming is None:
            return {"type": "http.request", "body": bytes(2**20), "more_body": True}
        if read > len(incoming):
            await asyncio.Event().wait()
        return incoming[read - 1]

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(ClosingResponse(b"refused", status_code=413)(SCOPE, receive, send))
    return sent, read


def test_reads_and_discards_data_after_the_response() -> None:
    part = {"type": "http.request", "body": b"more", "more_body": True}
    last = {"type": "http.request", "body": b"", "more_body": False}
    sent, read = exchange([part, part, last])
    assert read == 3
    assert (b"connection", b"close") in sent[0]["headers"]
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_does_not_wait_for_a_disconnected_client() -> None:
    _, read = exchange([{"type": "http.disconnect"}])
    assert read == 1


def test_discards_a_limited_amount() -> None:
    sent, read = exchange(None)
    assert read == closing.LINGER_BYTES / 2**20
    assert sent[-1]["more_body"] is False


def test_waits_a_limited_time_for_a_silent_client() -> None:
    sent, _ = exchange([])
    assert sent[-1]["more_body"] is False
