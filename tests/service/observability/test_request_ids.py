import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bitrecall.index.releases.release import Release
from bitrecall.service.app import create_app
from bitrecall.service.observability.logs import JsonFormatter
from bitrecall.service.settings import Settings


def test_keeps_a_valid_request_id(client: httpx.Client) -> None:
    response = client.get("/livez", headers={"X-Request-ID": "order-7.2_x"})
    assert response.headers["x-request-id"] == "order-7.2_x"


@pytest.mark.parametrize("sent", [None, "", "a b", "a" * 65, "é", "a\tb", 'a"b'])
def test_generates_an_id_if_it_is_missing_or_invalid(
    client: httpx.Client, sent: str | None
) -> None:
    headers = {} if sent is None else {"X-Request-ID": sent.encode()}
    first = client.get("/livez", headers=headers).headers["x-request-id"]
    second = client.get("/nothing", headers=headers).headers["x-request-id"]
    assert len(first) == len(second) == 32
    assert first != second


def test_logs_a_failure_with_the_request_id(
    release: Release,
    serving: Callable[..., Any],
    problem_in: Callable[..., dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(request: Request) -> Response:
        raise ZeroDivisionError("secret")

    app = create_app(Settings(releases=release.path.parent, events="off"))
    app.router.routes.append(Route("/fail", fail))
    lines: list[str] = []

    class RecordingHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    handler = RecordingHandler()
    logging.getLogger("bitrecall.service.http.middleware").addHandler(handler)
    try:
        with serving(app) as client:
            response = client.get("/fail", headers={"X-Request-ID": "mine"})
    finally:
        logging.getLogger("bitrecall.service.http.middleware").removeHandler(handler)
    problem = problem_in(response, "internal-error", 500)
    assert problem["request_id"] == "mine"
    assert "secret" not in response.text
    (line,) = [json.loads(line) for line in lines]
    assert line["request_id"] == "mine"
    assert "ZeroDivisionError" in line["trace"]
