"""``POST /recommend`` over HTTP: responses and errors."""

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.search_steps import SearchSteps
from bitrecall.index.recommend.types import RankedItems
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.service.api.release_endpoint import INLINE_K
from bitrecall.service.api.schemas.requests import Id
from bitrecall.service.api.schemas.responses import Problem, RecommendResponse
from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}


def ranking(contents: ReleaseContents, user: int, *, exclude_seen: bool) -> list[tuple[str, int]]:
    """All allowed items with their scores, by inner product of the signs in plain numpy."""
    signs = np.where(contents.user_embeddings[user] >= 0, 1, -1)
    bits = np.unpackbits(contents.item_codes, axis=1, bitorder="little").astype(np.int64)
    scores = (2 * bits - 1) @ signs
    order = np.argsort(-scores, kind="stable")
    if exclude_seen:
        order = order[~np.isin(order, contents.seen[user])]
    return [(contents.item_ids[row], int(scores[row])) for row in order]


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("k", [1, 10, 60, 101, 1000])
def test_results_equal_a_brute_force_ranking_including_ties(
    client: httpx.Client,
    release: Release,
    contents: Callable[..., ReleaseContents],
    k: int,
    exclude_seen: bool,
) -> None:
    contents_ = contents()
    for row, user in enumerate(contents_.user_ids):
        query = {"user_id": user, "k": k, "exclude_seen": exclude_seen}
        response = client.post("/recommend", json=query)
        assert response.status_code == 200
        answer = response.json()
        expected = ranking(contents_, row, exclude_seen=exclude_seen)
        assert [(item["id"], item["score"]) for item in answer["items"]] == expected[:k]
        assert all(item["score"] == release.bits - 2 * item["distance"] for item in answer["items"])
        assert answer["user_id"] == user
        assert (answer["k"], answer["release_id"]) == (k, release.id)
        assert answer["source"] == "codes"
        assert answer.get("shortfall", 0) == max(0, k - len(expected))


class RecordingRecommender(Recommender):
    """A recommender that records the threads of its calls."""

    def __init__(self, release: Release) -> None:
        super().__init__(release)
        self.threads: list[str] = []
        self.fast = True

    @property
    def is_fast(self) -> bool:
        return self.fast

    def recommend_steps(self, *arguments: Any) -> SearchSteps[RankedItems]:
        self.threads.append(threading.current_thread().name)
        return super().recommend_steps(*arguments)

    def recommend_many_steps(self, *arguments: Any) -> SearchSteps[list[RankedItems]]:
        self.threads.append(threading.current_thread().name)
        return super().recommend_many_steps(*arguments)


def test_large_requests_leave_the_event_loop(release: Release, serving: Callable) -> None:
    app = create_app(Settings(releases=release.path.parent, events="off"))
    recording = RecordingRecommender(release)
    with serving(app) as client:
        # Once the service is ready, nothing replaces the recommender.
        assert client.get("/readyz").status_code == 200
        app.current.recommender = recording  # type: ignore[attr-defined]
        for k in (1, INLINE_K, INLINE_K + 1):
            assert client.post("/recommend", json={"user_id": "17", "k": k}).status_code == 200
        explained = {"user_id": "17", "k": 1, "explain": True}
        assert client.post("/recommend", json=explained).status_code == 200
        assert client.post("/recommend/batch", json={"user_ids": ["17"]}).status_code == 200
        recording.fast = False
        assert client.post("/recommend", json={"user_id": "17", "k": 1}).status_code == 200
    loop, same, *others = recording.threads
    assert loop == same
    assert loop not in others


def test_returns_ten_unseen_items_by_default(client: httpx.Client) -> None:
    default = client.post("/recommend", json={"user_id": "17"})
    explicit = client.post("/recommend", json={"user_id": "17", "k": 10, "exclude_seen": True})
    assert default.content == explicit.content
    assert len(default.json()["items"]) == 10


def test_returns_an_empty_list_if_all_items_are_seen(client: httpx.Client) -> None:
    answer = client.post("/recommend", json={"user_id": "all seen", "k": 4}).json()
    assert (answer["items"], answer["shortfall"], answer["source"]) == ([], 4, "codes")


def test_returns_popular_items_for_an_unknown_user(client: httpx.Client) -> None:
    response = client.post("/recommend", json={"user_id": "new user", "k": 2})
    assert response.status_code == 200
    answer = response.json()
    assert answer["source"] == "popular"
    assert answer["items"] == [
        {"id": "item 0", "distance": None, "score": None},
        {"id": "item 1", "distance": None, "score": None},
    ]


def test_accepts_content_types_in_any_case_and_with_utf_8(
    client: httpx.Client,
) -> None:
    for value in ("Application/JSON", 'application/json; charset="UTF-8"', "application/json;"):
        headers = {"Content-Type": value}
        response = client.post("/recommend", content=b'{"user_id": "17"}', headers=headers)
        assert response.status_code == 200


@pytest.mark.parametrize("k", [0, -1, 10**9, "ten", 10.5, True, None])
def test_points_at_an_invalid_k(
    client: httpx.Client, problem_in: Callable[..., dict], k: object
) -> None:
    response = client.post("/recommend", json={"user_id": "17", "k": k})
    problem = problem_in(response, "invalid-request", 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/k"]


def test_lists_every_error(client: httpx.Client, problem_in: Callable[..., dict]) -> None:
    response = client.post("/recommend", json={"user_id": 17, "k": 0, "story": []})
    problem = problem_in(response, "invalid-request", 422)
    details = {error["pointer"]: error["detail"] for error in problem["errors"]}
    assert details.keys() == {"/user_id", "/k", "/story"}
    assert "ids are strings" in details["/user_id"]
    assert "'story'" in details["/story"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"user_id": NaN}', b'{"user_id": "\xff"}'])
def test_rejects_a_body_that_is_not_json(
    client: httpx.Client, problem_in: Callable[..., dict], body: bytes
) -> None:
    response = client.post("/recommend", content=body, headers=JSON)
    problem_in(response, "malformed-json", 400)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_rejects_a_body_that_is_not_declared_as_plain_json(
    client: httpx.Client, problem_in: Callable[..., dict], headers: dict[str, str]
) -> None:
    response = client.post("/recommend", content=b'{"user_id": "17"}', headers=headers)
    problem_in(response, "unsupported-media-type", 415)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["17", "none seen"]),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=12,
)
LIKE_A_REQUEST = st.fixed_dictionaries(
    {},
    optional={
        "user_id": ANY_JSON | st.text(),
        "k": ANY_JSON | st.integers(-3, 1003),
        "exclude_seen": ANY_JSON | st.booleans(),
        "explain": st.booleans(),
        "history": ANY_JSON | st.lists(st.sampled_from(["item 1", "item 2", ""])),
        "filter": ANY_JSON
        | st.fixed_dictionaries(
            {}, optional={"any_tags": ANY_JSON, "where": st.dictionaries(st.text(), ANY_JSON)}
        ),
        "other": ANY_JSON,
    },
)


@examples(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@example(body='{"user_id": "17 "}')
@given(body=LIKE_A_REQUEST.map(json.dumps) | ANY_JSON.map(json.dumps) | st.binary())
def test_any_request_gets_a_documented_response(client: httpx.Client, body: str | bytes) -> None:
    response = client.post("/recommend", content=body, headers=JSON)
    if response.status_code == 200:
        answer = RecommendResponse.model_validate_json(response.content, strict=True)
        user_id = json.loads(body).get("user_id")
        # White space around an id is removed.
        assert answer.user_id == (
            None if user_id is None else TypeAdapter(Id).validate_python(user_id)
        )
    else:
        assert response.status_code in (400, 409, 422)
        assert response.headers["content-type"] == "application/problem+json"
        problem = Problem.model_validate_json(response.content, strict=True, extra="forbid")
        assert problem.status == response.status_code


def test_points_at_a_filter_that_does_not_fit_the_release(
    client: httpx.Client, problem_in: Callable[..., dict]
) -> None:
    for where, message in (
        ({"colour": "red"}, "no item has an attribute 'colour': expected label, price"),
        ({"label": {"gte": 1}}, "only numbers have bounds"),
        ({"price": "cheap"}, "price is a number"),
    ):
        query = {"user_id": "17", "filter": {"where": where}}
        problem = problem_in(client.post("/recommend", json=query), "filter-mismatch", 409)
        [error] = problem["errors"]
        assert error["pointer"] == f"/filter/where/{next(iter(where))}"
        assert message in error["detail"]
