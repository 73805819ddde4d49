"""Bodies that are too long, too slow, or endless."""

import itertools
import json
import socket
from collections.abc import Callable
from http.client import HTTPResponse

import httpx
import pytest

HEAD = "POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

TOO_LARGE = (413, "/problems/body-too-large", "close")

Serve = Callable[..., httpx.Client]


def converse(client: httpx.Client, request: bytes) -> tuple[int, str, str | None]:
    """Status, problem type and Connection header of the response to raw bytes."""
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=300) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, json.load(response)["type"], response.getheader("Connection")


def test_rejects_a_declared_length_over_the_limit_before_the_body(
    serve: Serve,
) -> None:
    answer = converse(serve(), (HEAD + "Content-Length: 1048577\r\n\r\n").encode())
    assert answer == TOO_LARGE


def test_does_not_send_100_continue_over_the_limit(serve: Serve) -> None:
    client = serve()
    request = HEAD + "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(request.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_counts_chunks_as_they_arrive(serve: Serve) -> None:
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    request = (HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode() + chunk * 129
    assert converse(serve(), request) == TOO_LARGE


def test_a_client_that_is_still_sending_gets_the_response(
    serve: Serve, problem_in: Callable[..., dict]
) -> None:
    client = serve()
    headers = {"Content-Type": "application/json"}

    endless = itertools.repeat(b" " * 10_000)
    response = client.post("/recommend", content=endless, headers=headers)
    problem_in(response, "body-too-large", 413)
    response = client.post("/recommend", content=b" " * 3_000_000, headers=headers)
    problem_in(response, "body-too-large", 413)


def test_accepts_a_body_at_the_limit(serve: Serve, problem_in: Callable[..., dict]) -> None:
    client = serve(max_body_bytes=1000)
    headers = {"Content-Type": "application/json"}
    problem_in(
        client.post("/recommend", content=b" " * 1001, headers=headers), "body-too-large", 413
    )
    problem_in(
        client.post("/recommend", content=b" " * 1000, headers=headers), "malformed-json", 400
    )


@pytest.mark.parametrize(
    "sent",
    [
        "Content-Length: 20\r\n\r\n",
        'Content-Length: 20\r\n\r\n{"user_id',
        "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_rejects_a_body_that_does_not_arrive_in_time(serve: Serve, sent: str) -> None:
    answer = converse(serve(body_timeout=0.05), (HEAD + sent).encode())
    assert answer == (408, "/problems/request-timeout", "close")


def test_logs_nothing_if_a_client_disconnects_early(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve()
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address) as connection:
        connection.sendall((HEAD + 'Content-Length: 20\r\n\r\n{"user_id').encode())
    # The same event loop responds, so it has seen the other client disconnect.
    assert client.get("/livez").status_code == 200
    assert {record.name for record in caplog.records} <= {
        "bitrecall.service.releases.current",
        "bitrecall.service.http.middleware",
    }
    assert not [record for record in caplog.records if record.exc_info]
