"""``POST /recommend`` over HTTP, answers and refusals."""

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
from bitrecall.service.api.schemas.answers import Problem, RecommendResponse
from bitrecall.service.api.schemas.requests import Id
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
def test_answers_equal_a_brute_force_ranking_to_the_last_tie(
    client: httpx.Client,
    release: Release,
    contents: Callable[..., ReleaseContents],
    k: int,
    exclude_seen: bool,
) -> None:
    made = contents()
    for row, user in enumerate(made.user_ids):
        asked = {"user_id": user, "k": k, "exclude_seen": exclude_seen}
        response = client.post("/recommend", json=asked)
        assert response.status_code == 200
        answer = response.json()
        expected = ranking(made, row, exclude_seen=exclude_seen)
        assert [(item["id"], item["score"]) for item in answer["items"]] == expected[:k]
        assert all(item["score"] == release.bits - 2 * item["distance"] for item in answer["items"])
        assert answer["user_id"] == user
        assert (answer["k"], answer["release_id"]) == (k, release.id)
        assert answer["source"] == "codes"
        assert answer.get("shortfall", 0) == max(0, k - len(expected))


class Watched(Recommender):
    """A recommender that remembers the threads it was asked on."""

    def __init__(self, release: Release) -> None:
        super().__init__(release)
        self.threads: list[str] = []
        self.fast = True

    @property
    def is_fast(self) -> bool:
        return self.fast

    def recommend_steps(self, *given: Any) -> SearchSteps[RankedItems]:
        self.threads.append(threading.current_thread().name)
        return super().recommend_steps(*given)

    def recommend_many_steps(self, *given: Any) -> SearchSteps[list[RankedItems]]:
        self.threads.append(threading.current_thread().name)
        return super().recommend_many_steps(*given)


def test_large_answers_and_large_catalogues_leave_the_event_loop(
    release: Release, serving: Callable
) -> None:
    app = create_app(Settings(releases=release.path.parent, events="off"))
    watched = Watched(release)
    with serving(app) as client:
        # Once it is ready, nothing else takes the recommender's place.
        assert client.get("/readyz").status_code == 200
        app.current.recommender = watched  # type: ignore[attr-defined]
        for k in (1, INLINE_K, INLINE_K + 1):
            assert client.post("/recommend", json={"user_id": "17", "k": k}).status_code == 200
        explained = {"user_id": "17", "k": 1, "explain": True}
        assert client.post("/recommend", json=explained).status_code == 200
        assert client.post("/recommend/batch", json={"user_ids": ["17"]}).status_code == 200
        watched.fast = False
        assert client.post("/recommend", json={"user_id": "17", "k": 1}).status_code == 200
    loop, same, *others = watched.threads
    assert loop == same
    assert loop not in others


def test_ten_items_the_user_has_not_seen_are_the_default(client: httpx.Client) -> None:
    bare = client.post("/recommend", json={"user_id": "17"})
    full = client.post("/recommend", json={"user_id": "17", "k": 10, "exclude_seen": True})
    assert bare.content == full.content
    assert len(bare.json()["items"]) == 10


def test_who_has_seen_all_gets_an_empty_list_and_the_shortfall(client: httpx.Client) -> None:
    answer = client.post("/recommend", json={"user_id": "all seen", "k": 4}).json()
    assert (answer["items"], answer["shortfall"], answer["source"]) == ([], 4, "codes")


def test_a_stranger_gets_the_popular_items_marked_so(client: httpx.Client) -> None:
    response = client.post("/recommend", json={"user_id": "a stranger", "k": 2})
    assert response.status_code == 200
    answer = response.json()
    assert answer["source"] == "popular"
    assert answer["items"] == [
        {"id": "item 0", "distance": None, "score": None},
        {"id": "item 1", "distance": None, "score": None},
    ]


def test_the_case_of_the_content_type_and_a_charset_of_utf_8_do_not_matter(
    client: httpx.Client,
) -> None:
    for value in ("Application/JSON", 'application/json; charset="UTF-8"', "application/json;"):
        headers = {"Content-Type": value}
        response = client.post("/recommend", content=b'{"user_id": "17"}', headers=headers)
        assert response.status_code == 200


@pytest.mark.parametrize("k", [0, -1, 10**9, "ten", 10.5, True, None])
def test_a_k_that_is_none_is_refused_with_a_pointer_to_it(
    client: httpx.Client, problem_in: Callable[..., dict], k: object
) -> None:
    response = client.post("/recommend", json={"user_id": "17", "k": k})
    problem = problem_in(response, "invalid-request", 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/k"]


def test_every_thing_wrong_is_listed(client: httpx.Client, problem_in: Callable[..., dict]) -> None:
    response = client.post("/recommend", json={"user_id": 17, "k": 0, "story": []})
    problem = problem_in(response, "invalid-request", 422)
    details = {error["pointer"]: error["detail"] for error in problem["errors"]}
    assert details.keys() == {"/user_id", "/k", "/story"}
    assert "ids are strings" in details["/user_id"]
    assert "'story'" in details["/story"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"user_id": NaN}', b'{"user_id": "\xff"}'])
def test_what_is_not_json_is_refused(
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
def test_a_body_that_is_not_declared_as_plain_json_is_refused(
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
def test_whatever_is_sent_is_answered_or_refused_as_documented(
    client: httpx.Client, body: str | bytes
) -> None:
    response = client.post("/recommend", content=body, headers=JSON)
    if response.status_code == 200:
        answer = RecommendResponse.model_validate_json(response.content, strict=True)
        asked = json.loads(body).get("user_id")
        # White space around an id is removed.
        assert answer.user_id == (None if asked is None else TypeAdapter(Id).validate_python(asked))
    else:
        assert response.status_code in (400, 409, 422)
        assert response.headers["content-type"] == "application/problem+json"
        problem = Problem.model_validate_json(response.content, strict=True, extra="forbid")
        assert problem.status == response.status_code


def test_a_filter_that_does_not_fit_the_release_is_pointed_at(
    client: httpx.Client, problem_in: Callable[..., dict]
) -> None:
    for where, said in (
        ({"colour": "red"}, "no item has an attribute 'colour': there are label, price"),
        ({"label": {"gte": 1}}, "only numbers have bounds"),
        ({"price": "cheap"}, "price is a number"),
    ):
        asked = {"user_id": "17", "filter": {"where": where}}
        problem = problem_in(client.post("/recommend", json=asked), "filter-mismatch", 409)
        [error] = problem["errors"]
        assert error["pointer"] == f"/filter/where/{next(iter(where))}"
        assert said in error["detail"]
