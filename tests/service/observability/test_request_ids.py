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


def test_a_request_keeps_the_id_that_it_came_with(client: httpx.Client) -> None:
    answer = client.get("/livez", headers={"X-Request-ID": "order-7.2_x"})
    assert answer.headers["x-request-id"] == "order-7.2_x"


@pytest.mark.parametrize("given", [None, "", "a b", "a" * 65, "é", "a\tb", 'a"b'])
def test_any_other_has_one_of_its_own(client: httpx.Client, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-ID": given.encode()}
    first = client.get("/livez", headers=headers).headers["x-request-id"]
    second = client.get("/nothing", headers=headers).headers["x-request-id"]
    assert len(first) == len(second) == 32
    assert first != second


def test_a_fault_is_logged_under_the_id_of_its_request(
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

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    handler = Kept()
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
