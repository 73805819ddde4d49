"""``DELETE /users/{id}`` over HTTP."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from bitrecall.service.api.schemas.events import ForgottenResponse
from tests.tools.event_requests import event_of, post, recommended

pytestmark = pytest.mark.slow

ProblemIn = Callable[..., dict[str, Any]]


@pytest.fixture
def client(events_client: httpx.Client) -> httpx.Client:
    return events_client


def test_a_forgotten_user_is_unknown(client: httpx.Client) -> None:
    post(
        client, event_of("17", "item 7"), event_of("17", "item 8"), event_of("none seen", "item 9")
    )
    response = client.delete("/users/17")
    ForgottenResponse.model_validate_json(response.content, strict=True, extra="forbid")
    assert response.json() == {"id": "17", "events": 2}
    answer = recommended(client, "17")
    assert (answer["source"], len(answer["items"])) == ("popular", 60)
    user = client.get("/users/17").json()
    assert (user["known"], user["seen"], user["fresh"]) == (False, 0, 0)
    assert recommended(client, "none seen")["source"] == "codes+history"
    post(client, event_of("17", "item 7"))
    assert recommended(client, "17")["source"] == "history"


@pytest.mark.parametrize(
    ("path", "message"), [("/users/", "is empty"), ("/users/a%00b", "contains U+0000")]
)
def test_rejects_forgetting_an_invalid_id(
    client: httpx.Client, problem_in: ProblemIn, path: str, message: str
) -> None:
    problem = problem_in(client.delete(path), "invalid-request", 422)
    assert problem["detail"] == f"the id in the path {message}"


def test_forgets_a_user_by_the_id_in_events(client: httpx.Client) -> None:
    for odd in ("\x1cb", "b\x1f", "\x1e b"):
        post(client, event_of("b", "item 7"), event_of(odd, "item 8"))
        assert client.get(f"/users/{quote(odd)}").json()["items"] == ["item 8"]
        assert client.delete(f"/users/{quote(odd)}").json() == {"id": odd, "events": 1}
        assert client.get("/users/b").json()["items"] == ["item 7"]
    assert client.delete("/users/%20b%C2%85").json() == {"id": "b", "events": 3}


def test_forgets_a_user_with_a_longer_id_than_events_allow(
    client: httpx.Client,
) -> None:
    assert client.delete(f"/users/{'u' * 2000}").json()["events"] == 0
    assert "details" not in client.get("/readyz").json()
