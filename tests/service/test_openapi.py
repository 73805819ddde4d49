import json
from typing import Any

import httpx
import pytest

from service.openapi import openapi_document
from service.problems import PROBLEMS
from service.schemas import Problem, RecommendResponse, request_model
from service.settings import Settings

SETTINGS = Settings(default_k=7, max_k=77)


@pytest.fixture
def document() -> dict[str, Any]:
    return openapi_document(SETTINGS, "1.2.3")


def test_it_is_served(client: httpx.Client) -> None:
    response = client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    served = response.json()
    assert served == openapi_document(Settings(), served["info"]["version"])


def test_every_path_is_described_and_every_described_path_exists(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    paths = {"/recommend", "/livez", "/readyz", "/problems", "/problems/{name}"}
    assert document["paths"].keys() == paths
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"get", "post"}:
            response = client.request(method, path.format(name="not-ready"))
            assert response.status_code not in (404, 405)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    parts = json.dumps(document).split('"$ref": "')[1:]
    named = {part.partition('"')[0].removeprefix("#/components/schemas/") for part in parts}
    assert named <= schemas.keys()
    assert "HTTPValidationError" not in schemas


def test_the_bounds_are_those_of_the_settings(document: dict[str, Any]) -> None:
    k = document["components"]["schemas"]["RecommendRequest"]["properties"]["k"]
    assert (k["default"], k["minimum"], k["maximum"]) == (7, 1, 77)


def test_the_examples_of_requests_and_answers_are_valid(document: dict[str, Any]) -> None:
    operation = document["paths"]["/recommend"]["post"]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        request_model(7, 77).model_validate(example["value"], strict=True)
    answers = operation["responses"]["200"]["content"]["application/json"]["examples"]
    for example in answers.values():
        answer = RecommendResponse.model_validate(example["value"], strict=True, extra="forbid")
        assert answer.k == len(answer.items) + (answer.shortfall or 0)
        for item in answer.items:
            assert item.distance is None or item.score == 256 - 2 * item.distance


def test_the_problems_of_a_recommendation_are_described_with_examples(
    document: dict[str, Any],
) -> None:
    responses = document["paths"]["/recommend"]["post"]["responses"]
    assert responses.keys() == {"200", "400", "408", "413", "415", "422", "500", "503"}
    by_status = {problem.status: problem for problem in PROBLEMS.values()}
    for status in responses.keys() - {"200"}:
        [(media_type, content)] = responses[status]["content"].items()
        assert media_type == "application/problem+json"
        example = Problem.model_validate(content["example"], strict=True, extra="forbid")
        assert example.type == by_status[int(status)].uri
