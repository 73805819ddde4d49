"""Requests that keep a service at its limit of concurrent requests."""

import asyncio
import socket
import threading

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

# Maximum concurrent requests of the service.
LIMIT = 3


class SlowEndpoint:
    """An endpoint that waits until ``may_finish`` is set."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.may_finish = threading.Event()

    async def respond(self, request: Request) -> Response:
        await request.body()
        self.started.release()
        await asyncio.to_thread(self.may_finish.wait, 20)
        return PlainTextResponse("done")


class RunningRequests:
    """Connections that each have a running request."""

    def __init__(self, client: httpx.Client, slow: SlowEndpoint, count: int) -> None:
        url = client.base_url
        self.sockets = []
        for _ in range(count):
            connection = socket.create_connection((url.host, url.port), timeout=300)
            connection.sendall(
                b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
            )
            self.sockets.append(connection)
        for _ in range(count):
            assert slow.started.acquire(timeout=300)

    def responses(self) -> list[bytes]:
        responses = [connection.recv(1000) for connection in self.sockets]
        for connection in self.sockets:
            connection.close()
        return responses
