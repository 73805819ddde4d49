"""A server that is not there: errors of ours, at once, and not a flood of attempts."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bitrecall.errors import BitrecallError
from bitrecall.index.errors import SearchUnavailableError
from bitrecall.index.search.milvus.server import MilvusServer, read_token

Make = Callable[..., MilvusServer]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes connections to an address at which nobody answers, and closes them."""
    made: list[MilvusServer] = []

    def connect(**given: Any) -> MilvusServer:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        made.append(MilvusServer(url, **given))
        return made[-1]

    yield connect
    for server in made:
        server.close()


def test_a_server_that_is_not_there_is_told_with_its_address(make: Make) -> None:
    server = make(seconds=0.2)
    with pytest.raises(SearchUnavailableError, match=f"Milvus at {server.url}"):
        server.search(lambda client, seconds: client.list_collections(timeout=seconds))


def test_one_that_hangs_is_waited_for_no_longer_than_said(make: Make) -> None:
    server = make(seconds=0.1)
    over, ended = threading.Event(), threading.Event()
    server._client = object()  # type: ignore[assignment]

    def hang(client: object, seconds: float) -> None:
        over.wait(300)
        ended.set()

    with pytest.raises(SearchUnavailableError, match=r"did not answer within 0\.1 s"):
        server.search(hang)
    assert not ended.is_set()
    over.set()
    server._client = None


def test_one_that_failed_is_left_alone_for_a_moment_and_then_asked_again(make: Make) -> None:
    now = [100.0]
    server = make(rest=5.0, clock=lambda: now[0])
    server._client = object()  # type: ignore[assignment]
    asked = []

    def fail(client: object, seconds: float) -> None:
        asked.append(now[0])
        raise ValueError("no")

    for now[0] in (100.0, 101.0, 104.9, 105.1):
        with pytest.raises(SearchUnavailableError, match="no"):
            server.search(fail)
    assert asked == [100.0, 105.1]
    now[0] = 200.0
    assert server.search(lambda client, seconds: "found") == "found"
    assert server.search(lambda client, seconds: "found") == "found"
    server._client = None


def test_going_away_and_coming_back_are_each_said_once(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bitrecall.index.search.milvus")
    server = make(rest=0.0)
    server._client = object()  # type: ignore[assignment]
    for _ in range(3):
        with pytest.raises(SearchUnavailableError):
            server.search(lambda client, seconds: 1 / 0)
    for _ in range(3):
        server.search(lambda client, seconds: 1)
    server._client = None
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "division" in said[0]
    assert "answers again" in said[1]


def test_the_token_is_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("ada:lovelace\n")
    assert read_token(path) == "ada:lovelace"
    assert read_token(None) is None
    with pytest.raises(BitrecallError, match="cannot be read"):
        read_token(tmp_path / "none")
