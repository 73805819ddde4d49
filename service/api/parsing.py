"""From the bytes of a body to a request, or to everything that is wrong with it."""

import json
from typing import Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from bitrecall.service.api.bounded_errors import first_errors
from bitrecall.service.errors import FieldError, InvalidRequestError, MalformedJsonError
from bitrecall.validation_messages import decapitalised, explain

MOST_ERRORS: Final = 20

Model = TypeVar("Model", bound=BaseModel)


def parse_request(body: bytes, model: type[Model]) -> Model:
    """The request in a body.

    Raises ``MalformedJsonError`` when it is not JSON and ``InvalidRequestError``, with the first
    ``MOST_ERRORS`` things wrong, when it is JSON but no request. Of a member given twice the last
    one counts.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems, total = first_errors(error, body, model), error.error_count()
    if problems[0]["type"] == "json_invalid":
        raise MalformedJsonError(decapitalised(problems[0]["msg"]))
    _refuse_constants(body)
    errors = [FieldError(*explain(problem, model)) for problem in problems[:MOST_ERRORS]]
    raise InvalidRequestError(_summary(errors, total), errors=errors)


def _refuse_constants(body: bytes) -> None:
    # The parser of pydantic lets NaN and Infinity through as numbers. Few bodies have the words.
    if b"NaN" not in body and b"Infinity" not in body:
        return

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
