"""Requests over the concurrency limit, over real connections."""

import json
import socket
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from bitrecall.service.api.schemas.responses import Problem
from tests.service.http.running_requests import LIMIT, RunningRequests, SlowEndpoint

pytestmark = pytest.mark.slow


def test_rejects_requests_over_the_limit_at_once(
    limited_client: httpx.Client, slow: SlowEndpoint
) -> None:
    running = RunningRequests(limited_client, slow, LIMIT)
    for _ in range(3):
        response = limited_client.post("/recommend", json={"user_id": "17"})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert response.headers["content-type"] == "application/problem+json"
        problem = Problem.model_validate_json(response.content, strict=True, extra="forbid")
        assert problem.type == "/problems/too-busy"
        assert limited_client.get(problem.type).status_code == 503
    slow.may_finish.set()
    assert all(response.startswith(b"HTTP/1.1 200 ") for response in running.responses())
    assert limited_client.post("/recommend", json={"user_id": "17"}).status_code == 200
    metrics = limited_client.get("/metrics").text.splitlines()
    assert "bitrecall_shed_requests_total 6.0" in metrics


def test_always_responds_to_probes_and_monitoring(
    limited_client: httpx.Client, slow: SlowEndpoint
) -> None:
    running = RunningRequests(limited_client, slow, LIMIT)
    for path in ("/livez", "/readyz", "/metrics"):
        assert limited_client.get(path).status_code == 200
    slow.may_finish.set()
    running.responses()


def test_requests_without_a_complete_body_do_not_count(
    limited_client: httpx.Client, limited_app: Any
) -> None:
    url = limited_client.base_url
    with ExitStack() as stack:
        for _ in range(3 * LIMIT):
            connection = stack.enter_context(socket.create_connection((url.host, url.port)))
            connection.sendall(
                b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{"
            )
        assert limited_client.post("/recommend", json={"user_id": "17"}).status_code == 200
        assert len(limited_app.limiter) == 0


def test_disconnected_clients_do_not_count(
    limited_client: httpx.Client, slow: SlowEndpoint, limited_app: Any
) -> None:
    running = RunningRequests(limited_client, slow, LIMIT)
    for connection in running.sockets:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.close()
    slow.may_finish.set()
    while len(limited_app.limiter):
        assert limited_client.get("/livez").status_code == 200
    assert limited_client.post("/recommend", json={"user_id": "17"}).status_code == 200


def test_rejects_requests_that_arrive_in_pieces(
    limited_client: httpx.Client, slow: SlowEndpoint
) -> None:
    running = RunningRequests(limited_client, slow, LIMIT)
    url = limited_client.base_url
    body = json.dumps({"user_id": "17"}).encode()
    head = f"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/json\r\n\r\n"
    with socket.create_connection((url.host, url.port), timeout=300) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for pieces in ([body], [b"", body], [body[:3], body[3:]]):
            connection.sendall(head.encode() + pieces[0])
            assert connection.recv(1000).startswith(b"HTTP/1.1 503 ")
            for piece in pieces[1:]:
                connection.sendall(piece)
        slow.may_finish.set()
        running.responses()
        while limited_client.post("/recommend", json={"user_id": "17"}).status_code == 503:
            pass
        connection.sendall(head.encode() + body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
