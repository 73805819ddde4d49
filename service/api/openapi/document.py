"""The OpenAPI document, generated from operations, models and examples."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from bitrecall.index.recommend.filter_schema import AttributeCondition
from bitrecall.service.api.openapi.examples import DETAILS, OCCURRENCE, REQUESTS, RESPONSES
from bitrecall.service.api.openapi.operations import OPERATIONS, Operation, Parameter
from bitrecall.service.api.schemas.events import EventsRequest
from bitrecall.service.api.schemas.requests import MoveRequest, request_models
from bitrecall.service.api.schemas.responses import Problem
from bitrecall.service.auth.key_middleware import role_needed
from bitrecall.service.problems import PROBLEM_MEDIA_TYPE, PROBLEMS, ProblemType
from bitrecall.service.settings import Settings

_KEY: Final = "key"

DESCRIPTION: Final = """\
Recommendations from learned hash codes: a user gets the items whose codes have the smallest Hamming
distance to the user's code.

The body of an error response is a problem document (RFC 9457) with the media type
`application/problem+json`; its `type` is the path of a page that explains the problem.
"""


class _WithoutNullDefaults(GenerateJsonSchema):
    """Omits defaults of null: optional members of responses have one that their type excludes."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema of a member with a default."""
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]
        return described


def openapi_document(settings: Settings, version: str) -> dict[str, Any]:
    """The document (OpenAPI 3.1) of a service with these settings."""
    bodies = request_models(settings)
    models: list[type[BaseModel]] = [
        *(bodies.recommend, bodies.batch, bodies.similar, AttributeCondition, EventsRequest),
        MoveRequest,
        *(operation.response for operation in OPERATIONS if operation.response is not None),
        Problem,
    ]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=_WithoutNullDefaults,
    )
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, settings)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bitrecall", "version": version, "description": DESCRIPTION},
        "servers": [{"url": settings.root_path or "/"}],
        "paths": paths,
        "components": {"schemas": definitions["$defs"]} | _security_schemes(settings),
    }


def _security_schemes(settings: Settings) -> dict[str, Any]:
    if settings.keys is None:
        return {}
    text = "A key made by 'bitrecall key new', as 'Authorization: Bearer KEY'."
    return {"securitySchemes": {_KEY: {"type": "http", "scheme": "bearer", "description": text}}}


def _operation(operation: Operation, settings: Settings) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.parameters:
        described["parameters"] = [
            _parameter(parameter, settings) for parameter in operation.parameters
        ]
    if operation.request is not None:
        content = _json(operation.request, REQUESTS[operation.name])
        described["requestBody"] = {"required": True, "content": content}
    response: dict[str, Any] = {
        media_type: {"schema": {"type": "string"}} for media_type in operation.media_types
    }
    if operation.response is not None:
        response = _json(operation.response.__name__, RESPONSES.get(operation.name, {}))
    problems = [*operation.problems]
    if settings.keys is not None and role_needed(operation.method.upper(), operation.path):
        described["security"] = [{_KEY: []}]
        problems += ["unauthorized", "forbidden"]
    described["responses"] = {"200": {"description": operation.summary, "content": response}}
    by_status: dict[int, list[ProblemType]] = {}
    for name in problems:
        by_status.setdefault(PROBLEMS[name].status, []).append(PROBLEMS[name])
    for status, types in by_status.items():
        described["responses"][str(status)] = _problems(status, types)
    return described


def _parameter(parameter: Parameter, settings: Settings) -> dict[str, Any]:
    schemas: dict[str, Any] = {
        "string": {"type": "string", "minLength": 1},
        "text": {"type": "string"},
        "problem": {"type": "string", "enum": list(PROBLEMS)},
        "k": {
            "type": "integer",
            "minimum": 1,
            "maximum": settings.max_k,
            "default": settings.default_k,
        },
    }
    return {
        "name": parameter.name,
        "in": parameter.location,
        "required": parameter.location == "path",
        "description": parameter.description,
        "schema": schemas[parameter.schema],
    }


def _json(model: str, examples: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{model}"}}
    if examples:
        described["examples"] = {
            name: {"summary": summary, "value": value}
            for name, (summary, value) in examples.items()
        }
    return {"application/json": described}


def _problems(status: int, problems: Sequence[ProblemType]) -> dict[str, Any]:
    """The error response of one status, with an example of each problem type."""
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    content["examples"] = {
        problem.name: {"summary": problem.title, "value": _example(problem)} for problem in problems
    }
    described: dict[str, Any] = {
        "description": "; or: ".join(problem.title for problem in problems),
        "content": {PROBLEM_MEDIA_TYPE: content},
    }
    if status == 503:
        seconds = {
            "description": "Seconds to wait before the next request.",
            "schema": {"type": "integer"},
        }
        described["headers"] = {"Retry-After": seconds}
    return described


def _example(problem: ProblemType) -> dict[str, object]:
    document: dict[str, object] = {
        "type": problem.uri,
        "title": problem.title,
        "status": problem.status,
        "detail": DETAILS[problem.name],
        "instance": f"urn:uuid:{OCCURRENCE}",
    }
    if problem.name == "invalid-request":
        document["errors"] = [{"pointer": "/k", "detail": "has to be at least 1, not 0"}]
    if problem.name == "filter-mismatch":
        pointer, _, detail = DETAILS[problem.name].partition(": ")
        document["errors"] = [{"pointer": pointer, "detail": detail}]
    if problem.name == "internal-error":
        document["request_id"] = OCCURRENCE
    return document
