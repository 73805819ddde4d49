"""The document itself: operations, models and examples put together."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from service.openapi.examples import ANSWERS, DETAILS, OCCURRENCE, REQUESTS
from service.openapi.operations import OPERATIONS, Operation, Parameter
from service.problems import PROBLEM_MEDIA_TYPE, PROBLEMS, ProblemType
from service.schemas.answers import Problem
from service.schemas.events import EventsRequest
from service.schemas.filters import AttributeCondition
from service.schemas.requests import MoveRequest, request_models
from service.settings import Settings

DESCRIPTION: Final = """\
Recommendations from learned hash codes: a user's items are those whose codes have the least
Hamming distance from the user's own.

Everything that goes wrong is answered with a problem document (RFC 9457) as
`application/problem+json`; its `type` leads to a page that explains it.
"""


class _WithoutNullDefaults(GenerateJsonSchema):
    """Leaves out defaults of null: a member without a default may be left out all the same.

    Members that are never null in an answer have one, which is not valid beside their type.
    """

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
        *(operation.answer for operation in OPERATIONS if operation.answer is not None),
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
        "components": {"schemas": definitions["$defs"]},
    }


def _operation(operation: Operation, settings: Settings) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.parameters:
        described["parameters"] = [_parameter(one, settings) for one in operation.parameters]
    if operation.request is not None:
        content = _json(operation.request, REQUESTS[operation.name])
        described["requestBody"] = {"required": True, "content": content}
    answer: dict[str, Any] = {
        media_type: {"schema": {"type": "string"}} for media_type in operation.media_types
    }
    if operation.answer is not None:
        answer = _json(operation.answer.__name__, ANSWERS.get(operation.name, {}))
    responses = {"200": {"description": operation.summary, "content": answer}}
    for name in operation.problems:
        responses |= _problem(PROBLEMS[name])
    described["responses"] = responses
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
        "in": parameter.place,
        "required": parameter.place == "path",
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


def _problem(problem: ProblemType) -> dict[str, Any]:
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
    described: dict[str, Any] = {
        "description": problem.title,
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": document,
            }
        },
    }
    if problem.status == 503:
        seconds = {"description": "Seconds until asking again.", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": seconds}
    return {str(problem.status): described}
