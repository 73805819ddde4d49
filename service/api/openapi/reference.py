"""The API reference as Markdown, generated from the OpenAPI document.

python -m bitrecall.service.api.openapi.reference > docs/api.md
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bitrecall.service.api.openapi.document import openapi_document
from bitrecall.service.settings import Settings

_HEAD: Final = """\
# The API

Generated from the OpenAPI document by
`python -m bitrecall.service.api.openapi.reference > docs/api.md`. A test compares the two: change
the models and examples in `service/`, not this file. [service.md](service.md) describes the
behaviour of the service.

Bodies are JSON in UTF-8, declared as `Content-Type: application/json`. Types are strict, and
unknown members are rejected. The body of an error response is a problem document
(`application/problem+json`); `GET /problems` lists the problem types.
"""


def reference() -> str:
    """All operations with their members, examples and problems, for the default settings."""
    document = openapi_document(Settings.model_construct(), "")
    schemas = document["components"]["schemas"]
    parts = [_HEAD]
    shown: set[str] = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(f"## {method.upper()} {path}\n\n{operation['summary']}.\n")
            parts.extend(_parameters(operation))
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]["application/json"]
                parts.extend(_content("Request", content, schemas, shown))
            for media_type, content in operation["responses"]["200"]["content"].items():
                if media_type == "application/json":
                    parts.extend(_content("Response", content, schemas, shown))
            parts.extend(_problems(operation))
    return "\n".join(parts)


def _parameters(operation: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        f"| `{parameter['name']}` | {parameter['in']} | {_type(parameter['schema'])} "
        f"| {parameter['description']} |\n"
        for parameter in operation.get("parameters", ())
    ]
    if rows:
        yield "| parameter | in | type | description |\n|---|---|---|---|\n" + "".join(rows)


def _content(
    title: str, content: Mapping[str, Any], schemas: Mapping[str, Any], shown: set[str]
) -> Iterator[str]:
    yield f"### {title}\n"
    yield from _model(_name_of(content["schema"]), schemas, shown)
    for example in content.get("examples", {}).values():
        text = json.dumps(example["value"], ensure_ascii=False)
        yield f"{example['summary']}:\n\n```json\n{text}\n```\n"


def _model(name: str, schemas: Mapping[str, Any], shown: set[str]) -> Iterator[str]:
    """The members of a model and of the models in it; only the name of a model shown before."""
    if name in shown:
        yield f"As `{name}` above.\n"
        return
    shown.add(name)
    schema = schemas[name]
    description = " ".join(schema.get("description", "").split())
    yield f"`{name}`: {description}\n"
    required = set(schema.get("required", ()))
    rows = []
    for member, described in schema["properties"].items():
        default = f"`{json.dumps(described['default'])}`" if "default" in described else "no"
        needed = "yes" if member in required else default
        description = described.get("description", "")
        rows.append(f"| `{member}` | {_type(described)} | {needed} | {description} |\n")
    head = "| member | type | required, or default | description |\n|---|---|---|---|\n"
    yield head + "".join(rows)
    for described in schema["properties"].values():
        for inner in _models_in(described):
            if inner not in shown:
                yield from _model(inner, schemas, shown)


def _models_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield _name_of(schema)
        for value in schema.values():
            yield from _models_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _models_in(value)


def _name_of(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in words."""
    if "$ref" in schema:
        return f"`{_name_of(schema)}`"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(option) for option in schema["anyOf"]))
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        minimum, maximum = schema.get("minItems", 0), schema.get("maxItems")
        bounds = f" ({minimum} to {maximum})" if maximum is not None else ""
        return f"array of {_type(schema['items'])}{bounds}"
    if kind == "object" and "additionalProperties" in schema:
        return f"object of {_type(schema['additionalProperties'])}"
    if "minimum" in schema and "maximum" in schema:
        return f"{kind}, {schema['minimum']} to {schema['maximum']}"
    if "minimum" in schema:
        return f"{kind}, at least {schema['minimum']}"
    return f"{kind}, not empty" if schema.get("minLength") else str(kind)


def _problems(operation: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for status, response in operation["responses"].items():
        if status != "200":
            for example in response["content"]["application/problem+json"]["examples"].values():
                document = example["value"]
                rows.append(f"| {status} | `{document['type']}` | {document['detail']} |\n")
    if rows:
        yield "### Problems\n"
        yield "| status | type | example |\n|---|---|---|\n" + "".join(rows)


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201
