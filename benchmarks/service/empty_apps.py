"""Applications that do nothing, to measure the fixed cost of a request.

python -m benchmarks.service.empty_apps fastapi_app --port 8001 --workers 1
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.tools.serving import free_port

EMPTY = {
    "FastAPI, body": "body_app",
    "FastAPI": "fastapi_app",
    "Starlette": "starlette_app",
    "ASGI": "asgi_app",
}

PATH = "/recommend"
_HEAD = [(b"content-type", b"application/json"), (b"content-length", b"2")]


def fastapi_app() -> FastAPI:
    """A FastAPI route as in its documentation."""
    app = FastAPI()

    @app.post(PATH)
    async def empty() -> dict[str, str]:
        return {}

    return app


def body_app() -> FastAPI:
    """A FastAPI route that reads the service's request and returns nothing."""
    app = FastAPI()

    class RequestBody(BaseModel):
        user_id: str
        k: int = 10

    @app.post(PATH)
    async def empty(body: RequestBody) -> dict[str, str]:
        return {}

    return app


def starlette_app() -> Starlette:
    """A Starlette route."""

    async def empty(request: Request) -> Response:
        return Response(b"{}", media_type="application/json")

    return Starlette(routes=[Route(PATH, empty, methods=["POST"])])


def asgi_app() -> Any:
    """A bare ASGI application."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": _HEAD})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


@contextmanager
def serving_empty(name: str, workers: int) -> Iterator[tuple[str, int]]:
    """Serve an empty application; yield its URL and process id."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.service.empty_apps", EMPTY[name]]
    command += ["--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.post(f"{url}/recommend", json={})
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def main() -> None:
    """Serve an empty application in the same way as the service."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("app", choices=["body_app", "fastapi_app", "starlette_app", "asgi_app"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    uvicorn.run(
        f"benchmarks.service.empty_apps:{arguments.app}",
        factory=True,
        port=arguments.port,
        workers=arguments.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=2048,
        timeout_keep_alive=30,
    )


if __name__ == "__main__":
    main()
