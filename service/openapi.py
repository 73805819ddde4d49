"""The OpenAPI document, from the models that requests and answers are made of."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.problems import PROBLEM_MEDIA_TYPE, PROBLEMS, ProblemType
from service.schemas import (
    LiveResponse,
    Problem,
    ReadyResponse,
    RecommendResponse,
    request_model,
)
from service.settings import Settings

DESCRIPTION: Final = """\
Recommendations from learned hash codes: a user's items are those whose codes have the least
Hamming distance from the user's own.

Everything that goes wrong is answered with a problem document (RFC 9457) as
`application/problem+json`; its `type` leads to a page that explains it.
"""

_RELEASE: Final = "20261123T174500Z-3fa94c1b"
_REQUESTS: Final = {
    "plain": {
        "summary": "Ten items that the user has not had",
        "value": {"user_id": "17", "k": 10},
    },
    "seen": {
        "summary": "Items the user has had included",
        "value": {"user_id": "17", "k": 3, "exclude_seen": False},
    },
}
_ANSWERS: Final = {
    "codes": {
        "summary": "A user of the release",
        "value": {
            "user_id": "17",
            "k": 2,
            "items": [
                {"id": "4096", "distance": 71, "score": 114},
                {"id": "88", "distance": 74, "score": 108},
            ],
            "release_id": _RELEASE,
            "source": "codes",
        },
    },
    "popular": {
        "summary": "A user that the release does not know",
        "value": {
            "user_id": "a stranger",
            "k": 2,
            "items": [
                {"id": "1", "distance": None, "score": None},
                {"id": "88", "distance": None, "score": None},
            ],
            "release_id": _RELEASE,
            "source": "popular",
        },
    },
    "shortfall": {
        "summary": "Fewer items are left than were asked for",
        "value": {
            "user_id": "17",
            "k": 5,
            "items": [{"id": "88", "distance": 74, "score": 108}],
            "release_id": _RELEASE,
            "source": "codes",
            "shortfall": 4,
        },
    },
}
_DETAILS: Final[Mapping[str, str]] = {
    "malformed-json": "invalid JSON: EOF while parsing an object at line 1 column 1",
    "not-found": "there is nothing at /recommendations",
    "method-not-allowed": "/recommend answers POST, not GET",
    "request-timeout": "the body did not arrive within 10 seconds",
    "body-too-large": "the body is longer than 65536 bytes",
    "unsupported-media-type": "the content type has to be application/json, not 'text/plain'",
    "invalid-request": "/k: has to be at least 1, not 0",
    "internal-error": "the service failed to answer; its log says why under this request_id",
    "not-ready": "no release is loaded yet; GET /readyz says why",
}
_OCCURRENCE: Final = "5f1e8d1c-7c1f-4d53-9a86-0a0d3c5e2b11"


def openapi_document(settings: Settings, version: str) -> dict[str, Any]:
    """The document (OpenAPI 3.1) of a service with these settings."""
    models: list[type[BaseModel]] = [
        request_model(settings.default_k, settings.max_k),
        RecommendResponse,
        ReadyResponse,
        LiveResponse,
        Problem,
    ]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bitrecall", "version": version, "description": DESCRIPTION},
        "paths": _paths(),
        "components": {"schemas": definitions["$defs"]},
    }


def _paths() -> dict[str, Any]:
    return {
        "/recommend": {
            "post": {
                "operationId": "recommend",
                "summary": "Items for one user",
                "requestBody": {
                    "required": True,
                    "content": _json("RecommendRequest", examples=_REQUESTS),
                },
                "responses": {
                    "200": {
                        "description": "The items, best first.",
                        "content": _json("RecommendResponse", examples=_ANSWERS),
                    },
                    **_problems(
                        "malformed-json",
                        "request-timeout",
                        "body-too-large",
                        "unsupported-media-type",
                        "invalid-request",
                        "internal-error",
                        "not-ready",
                    ),
                },
            }
        },
        "/livez": _get("live", "Whether the process runs", _json("LiveResponse")),
        "/readyz": _get(
            "ready", "Whether a release is loaded", _json("ReadyResponse"), "not-ready"
        ),
        "/problems": _get("problems", "The kinds of problem", _text()),
        "/problems/{name}": {
            "parameters": [
                {
                    "name": "name",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "enum": list(PROBLEMS)},
                }
            ],
            **_get("problem", "What a kind of problem means", _text(), "not-found"),
        },
    }


def _get(operation: str, summary: str, content: dict[str, Any], *problems: str) -> dict[str, Any]:
    responses = {"200": {"description": summary, "content": content}, **_problems(*problems)}
    return {"get": {"operationId": operation, "summary": summary, "responses": responses}}


def _json(model: str, **members: Any) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"application/json": {"schema": schema, **members}}


def _text() -> dict[str, Any]:
    return {"text/plain": {"schema": {"type": "string"}}}


def _problems(*names: str) -> dict[str, Any]:
    return {str(PROBLEMS[name].status): _problem(PROBLEMS[name]) for name in names}


def _problem(problem: ProblemType) -> dict[str, Any]:
    document: dict[str, object] = {
        "type": problem.uri,
        "title": problem.title,
        "status": problem.status,
        "detail": _DETAILS[problem.name],
        "instance": f"urn:uuid:{_OCCURRENCE}",
    }
    if problem.name == "invalid-request":
        document["errors"] = [{"pointer": "/k", "detail": "has to be at least 1, not 0"}]
    if problem.name == "internal-error":
        document["request_id"] = _OCCURRENCE
    described: dict[str, Any] = {
        "description": problem.title,
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": document,
            }
        },
    }
    if problem.name == "not-ready":
        seconds = {"description": "Seconds until asking again.", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": seconds}
    return described
