import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, ValidationError

from bitrecall.index.releases.release import Release
from bitrecall.service.api.openapi.document import openapi_document
from bitrecall.service.api.openapi.operations import OPERATIONS, Operation
from bitrecall.service.api.schemas.events import EventsRequest
from bitrecall.service.api.schemas.requests import MoveRequest, request_models
from bitrecall.service.api.schemas.responses import Problem, RecommendResponse
from bitrecall.service.app import create_app
from bitrecall.service.auth.key_middleware import role_needed
from bitrecall.service.problems import PROBLEMS
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

SETTINGS = Settings(default_k=7, max_k=77)
WITH_KEYS = Settings(keys=Path("keys.txt"))
BODIES: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (
        *vars(request_models(SETTINGS)).values(),
        EventsRequest,
        MoveRequest,
    )
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document(SETTINGS, "1.2.3")


def operation_of(document: dict[str, Any], operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = document["paths"][operation.path][operation.method]
    return described


def test_the_document_is_served(client: httpx.Client) -> None:
    response = client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    served = response.json()
    assert served == openapi_document(Settings(), served["info"]["version"])


@pytest.mark.parametrize("settings", [SETTINGS, Settings(), WITH_KEYS], ids=repr)
def test_the_document_is_valid(settings: Settings) -> None:
    document = openapi_document(settings, "1.2.3")
    errors = OpenAPIV31SpecValidator(document).iter_errors()  # type: ignore[arg-type]
    assert [error.message for error in errors] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": None},
        {"user_id": None, "history": None},
        {"user_id": ""},
        {"user_id": 17},
        {"history": "88"},
        {"user_id": "17"},
        {"user_id": "17", "history": None},
        {"history": []},
        {"history": ["88"], "user_id": None},
        {"user_id": "17", "history": ["88"], "filter": None},
        {"user_id": "17", "filter": {"where": {"price": {"lte": None, "in": [1, "x", True]}}}},
        {"user_id": "17", "filter": {"where": {"price": 3, "label": ["ECM"]}}},
        {"user_id": "17", "filter": {"where": {"price": None}}},
        {"user_id": "17", "k": 5.0},
        {"user_id": "17", "colour": "red"},
    ],
    ids=json.dumps,
)
def test_the_schema_accepts_what_the_service_accepts(
    document: dict[str, Any], body: dict[str, object]
) -> None:
    schema = {"$ref": "#/components/schemas/RecommendRequest", **document}
    try:
        BODIES["RecommendRequest"].model_validate_json(json.dumps(body))
        is_accepted = True
    except ValidationError:
        is_accepted = False
    assert OAS31Validator(schema).is_valid(body) == is_accepted


def test_body_types_are_not_unions(document: dict[str, Any]) -> None:
    # Client generators create a union without a constructor, or omit the path.
    for name in BODIES:
        schema = document["components"]["schemas"][name]
        assert schema["type"] == "object"
        assert not schema.keys() & {"anyOf", "oneOf", "allOf"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_describes_keys_for_operations_that_need_them(operation: Operation) -> None:
    without = operation_of(openapi_document(Settings(), "1.2.3"), operation)
    assert "security" not in without
    document = openapi_document(WITH_KEYS, "1.2.3")
    described = operation_of(document, operation)
    if role_needed(operation.method.upper(), operation.path) is None:
        assert described == without
    else:
        assert [*document["components"]["securitySchemes"]] == [*described["security"][0]]
        assert {"401", "403"} <= described["responses"].keys()


def test_every_path_of_the_service_is_described(release: Release) -> None:
    app = create_app(Settings(releases=release.path.parent, events="off"))
    served = {getattr(route, "path", "") for route in app.routes} - {"/openapi.json"}
    assert {path.replace(":path", "") for path in served} == {
        operation.path for operation in OPERATIONS
    }


@pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}"
)
def test_every_described_path_exists(client: httpx.Client, operation: Operation) -> None:
    id_ = "a/b" if operation.path.endswith("{id}") else "a"
    name = "main.js" if operation.name == "explorer_part" else "not-ready"
    path = operation.path.format(name=name, id=id_)
    response = client.request(operation.method, path)
    assert response.status_code != 405
    assert b'"type":"/problems/not-found"' not in response.content


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    parts = json.dumps(document).split('"$ref": "')[1:]
    named = {part.partition('"')[0].removeprefix("#/components/schemas/") for part in parts}
    assert named <= schemas.keys()
    assert "HTTPValidationError" not in schemas


def test_bounds_come_from_the_settings(document: dict[str, Any]) -> None:
    for body in ("RecommendRequest", "BatchRequest", "SimilarRequest"):
        k = document["components"]["schemas"][body]["properties"]["k"]
        assert (k["default"], k["minimum"], k["maximum"]) == (7, 1, 77)
    (parameter,) = document["paths"]["/popular"]["get"]["parameters"]
    assert parameter["schema"] == {"type": "integer", "minimum": 1, "maximum": 77, "default": 7}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_examples_are_valid(document: dict[str, Any], operation: Operation) -> None:
    described = operation_of(document, operation)
    if operation.request is not None:
        content = described["requestBody"]["content"]["application/json"]
        assert content["examples"]
        for example in content["examples"].values():
            text = json.dumps(example["value"])
            BODIES[operation.request].model_validate_json(text)
    content = described["responses"]["200"]["content"]
    for example in content.get("application/json", {}).get("examples", {}).values():
        assert operation.response is not None
        answer = operation.response.model_validate_json(
            json.dumps(example["value"]), strict=True, extra="forbid"
        )
        if isinstance(answer, RecommendResponse):
            assert answer.k == len(answer.items) + (answer.shortfall or 0)
            for item in answer.items:
                assert item.distance is None or item.score == 256 - 2 * item.distance


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_problems_are_described_with_examples(
    document: dict[str, Any], operation: Operation
) -> None:
    responses = operation_of(document, operation)["responses"]
    assert responses.keys() == {"200", *(str(PROBLEMS[name].status) for name in operation.problems)}
    for name in operation.problems:
        content = responses[str(PROBLEMS[name].status)]["content"]
        example = content["application/problem+json"]["examples"][name]["value"]
        checked = Problem.model_validate(example, strict=True, extra="forbid")
        assert checked.type == PROBLEMS[name].uri


def test_describes_all_problems_of_a_body(document: dict[str, Any]) -> None:
    responses = document["paths"]["/recommend"]["post"]["responses"]
    assert responses.keys() == {
        *("200", "400", "408", "409", "413", "415", "422", "500", "503"),
    }
