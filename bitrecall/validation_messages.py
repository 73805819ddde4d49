"""Error messages for JSON that does not match its schema."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

__all__ = ["decapitalised", "explain", "pointer"]

_LONGEST_NAME: Final = 200
_LONGEST_VALUE: Final = 50


def pointer(*path: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of a path of member names and array indices.

    The pointer ends before the first name that is longer than ``_LONGEST_NAME``.
    """
    short = itertools.takewhile(lambda part: len(str(part)) <= _LONGEST_NAME, path)
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in short)


def explain(
    problem: ErrorDetails,
    model: type[BaseModel],
    formats: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, str]:
    """Return the JSON pointer and the message of a validation error.

    Args:
        problem: the error details of pydantic.
        model: the model of the complete body.
        formats: the message for a text that does not match, by pattern.
    """
    if problem["type"] == "extra_forbidden":
        *path, name = problem["loc"]
        fields = ", ".join(_fields_at(model, path))
        detail = f"unknown field {str(name)[:100]!r}: the fields are {fields}"
    elif problem["type"] == "string_pattern_mismatch":
        pattern = _bound(problem, "pattern")
        detail = formats.get(pattern, f"has to match {pattern}")
    else:
        explanation = _EXPLANATIONS.get(problem["type"])
        detail = explanation(problem) if explanation else decapitalised(problem["msg"])
    if problem["type"] == "string_type" and str(problem["loc"][0]).endswith(("_id", "_ids")):
        detail += ': ids are strings, even if they look like numbers, such as "17"'
    return pointer(*problem["loc"]), detail


def _fields_at(annotation: Any, path: Sequence[int | str]) -> list[str]:
    """Return the field names of the model at a path in an annotation."""
    while get_origin(annotation) in (Annotated, Union, UnionType):
        annotation = get_args(annotation)[0]
    if not path:
        return [field.alias or name for name, field in annotation.model_fields.items()]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields_at(annotation.model_fields[str(path[0])].annotation, path[1:])
    # A list or a dict: the type of its elements is the last argument.
    return _fields_at(get_args(annotation)[-1], path[1:])


def decapitalised(message: str) -> str:
    """Return a message with a lower-case first letter, to follow a colon."""
    return message[:1].lower() + message[1:]


def _kind(value: object) -> str:
    """Return the JSON name of the type of a parsed value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number with a fraction or exponent"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _shown(value: object) -> str:
    """Return a value for an error message, shortened: a value may be as long as a body."""
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _bound(problem: ErrorDetails, name: str) -> Any:
    return problem.get("ctx", {})[name]


_TIME: Final = "has to be an RFC 3339 time, such as 2026-11-23T18:00:00Z"

_Explain = Callable[[ErrorDetails], str]
_EXPLANATIONS: Final[Mapping[str, _Explain]] = MappingProxyType(
    {
        "missing": lambda problem: "is required",
        "model_type": lambda problem: (
            f"has to be a JSON object, not {_kind(problem['input'])}"
            if problem["loc"]
            else f"the body has to be a JSON object, not {_kind(problem['input'])}"
        ),
        "dict_type": lambda problem: f"has to be a JSON object, not {_kind(problem['input'])}",
        "list_type": lambda problem: f"has to be an array, not {_kind(problem['input'])}",
        "string_type": lambda problem: f"has to be a string, not {_kind(problem['input'])}",
        "string_too_short": lambda problem: "must not be empty",
        "finite_number": lambda problem: "has to be a finite number",
        "int_type": lambda problem: f"has to be an integer, not {_kind(problem['input'])}",
        "float_type": lambda problem: (
            f"has to be a number below 1.8e308, not one of {len(str(problem['input']))} digits"
            if _kind(problem["input"]) == "an integer"
            else f"has to be a number, not {_kind(problem['input'])}"
        ),
        "bool_type": lambda problem: f"has to be true or false, not {_kind(problem['input'])}",
        "string_too_long": lambda problem: (
            f"has to have at most {_bound(problem, 'max_length')} characters"
        ),
        "datetime_parsing": lambda problem: _TIME,
        "datetime_from_date_parsing": lambda problem: _TIME,
        "literal_error": lambda problem: f"has to be {_bound(problem, 'expected')}",
        "too_short": lambda problem: (
            f"has to have at least {_bound(problem, 'min_length')}, not {len(problem['input'])}"
        ),
        "too_long": lambda problem: (
            f"has to have at most {_bound(problem, 'max_length')}, "
            f"not {_bound(problem, 'actual_length') or len(problem['input'])}"
        ),
        "greater_than_equal": lambda problem: (
            f"has to be at least {_bound(problem, 'ge')}, not {_shown(problem['input'])}"
        ),
        "less_than_equal": lambda problem: (
            f"has to be at most {_bound(problem, 'le')}, not {_shown(problem['input'])}"
        ),
    }
)
