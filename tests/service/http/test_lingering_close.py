"""The messages that an application and a server exchange when a body is left unread."""

import asyncio

from starlette.types import Message

from bitrecall.service.http import lingering_close as closing
from bitrecall.service.http.lingering_close import ClosingResponse

SCOPE = {"type": "http"}


def exchange(incoming: list[Message] | None) -> tuple[list[Message], int]:
    """What is sent while these come in (None: parts without end), and how many were read."""
    sent: list[Message] = []
    read = 0

    async def receive() -> Message:
        nonlocal read
        # The client has to have the whole answer before anything more is taken from it.
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


def test_what_still_comes_is_read_and_dropped_after_the_answer() -> None:
    part = {"type": "http.request", "body": b"more", "more_body": True}
    last = {"type": "http.request", "body": b"", "more_body": False}
    sent, read = exchange([part, part, last])
    assert read == 3
    assert (b"connection", b"close") in sent[0]["headers"]
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_a_client_that_leaves_is_not_waited_for() -> None:
    _, read = exchange([{"type": "http.disconnect"}])
    assert read == 1


def test_no_more_is_dropped_than_a_bound() -> None:
    sent, read = exchange(None)
    assert read == closing.LINGER_BYTES / 2**20
    assert sent[-1]["more_body"] is False


def test_a_client_that_stops_without_leaving_is_waited_for_a_bounded_time() -> None:
    sent, _ = exchange([])
    assert sent[-1]["more_body"] is False
