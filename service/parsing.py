"""From the bytes of a body to a request, or to everything that is wrong with it."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.errors import FieldError, InvalidRequestError, MalformedJsonError
from service.schemas import RecommendRequest

MOST_ERRORS: Final = 20


def parse_request(body: bytes, model: type[RecommendRequest]) -> RecommendRequest:
    """The request in a body.

    Raises ``MalformedJsonError`` when it is not JSON and ``InvalidRequestError``, with the first
    ``MOST_ERRORS`` things wrong, when it is JSON but no request. Of a member given twice the last
    one counts.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    if problems[0]["type"] == "json_invalid":
        raise MalformedJsonError(_decapitalised(problems[0]["msg"]))
    _refuse_constants(body)
    errors = [_field_error(problem) for problem in problems[:MOST_ERRORS]]
    raise InvalidRequestError(_summary(errors, len(problems)), errors=errors)


def pointer(*path: str | int) -> str:
    """The JSON pointer (RFC 6901) of a path of member names and positions."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _refuse_constants(body: bytes) -> None:
    # The parser of pydantic lets NaN and Infinity through as numbers.
    def refuse(constant: str) -> NoReturn:
        raise MalformedJsonError(f"{constant} is not JSON")

    json.loads(body, parse_constant=refuse, parse_int=str, parse_float=str)


def _summary(errors: list[FieldError], total: int) -> str:
    first = errors[0]
    where = f"{first.pointer}: " if first.pointer else ""
    others = total - 1
    if not others:
        return where + first.detail
    shown = "" if total <= MOST_ERRORS else f", of which {MOST_ERRORS} are listed"
    return f"{where}{first.detail} ({total} errors in all{shown})"


def _field_error(problem: ErrorDetails) -> FieldError:
    explain = _EXPLANATIONS.get((problem["type"], *problem["loc"])) or _EXPLANATIONS.get(
        (problem["type"],)
    )
    detail = explain(problem) if explain else _decapitalised(problem["msg"])
    return FieldError(pointer(*problem["loc"]), detail)


def _decapitalised(message: str) -> str:
    return message[:1].lower() + message[1:]


def _kind(value: object) -> str:
    """What JSON calls the type of a parsed value."""
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


def _bound(problem: ErrorDetails, name: str) -> Any:
    return problem.get("ctx", {})[name]


_Explain = Callable[[ErrorDetails], str]
_EXPLANATIONS: Final[Mapping[tuple[str | int, ...], _Explain]] = MappingProxyType(
    {
        ("missing",): lambda problem: "is required",
        ("model_type",): lambda problem: (
            f"the body has to be a JSON object, not {_kind(problem['input'])}"
        ),
        ("extra_forbidden",): lambda problem: (
            f"unknown field {str(problem['loc'][-1])[:100]!r}: "
            f"the fields are {', '.join(RecommendRequest.model_fields)}"
        ),
        ("string_type",): lambda problem: f"has to be a string, not {_kind(problem['input'])}",
        ("string_type", "user_id"): lambda problem: (
            f"has to be a string, not {_kind(problem['input'])}: ids are strings, "
            'whatever their look, as in "17"'
        ),
        ("string_too_short",): lambda problem: "must not be empty",
        ("int_type",): lambda problem: f"has to be an integer, not {_kind(problem['input'])}",
        ("bool_type",): lambda problem: f"has to be true or false, not {_kind(problem['input'])}",
        ("greater_than_equal",): lambda problem: (
            f"has to be at least {_bound(problem, 'ge')}, not {problem['input']}"
        ),
        ("less_than_equal",): lambda problem: (
            f"has to be at most {_bound(problem, 'le')}, not {problem['input']}"
        ),
    }
)
