"""Parsing a request body, with errors that name each invalid member."""

import json
from typing import Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from bitrecall.service.api.bounded_errors import first_errors
from bitrecall.service.api.schemas.events import FORMATS
from bitrecall.service.errors import FieldError, InvalidRequestError, MalformedJsonError
from bitrecall.validation_messages import decapitalised, explain

MAX_ERRORS: Final = 20

Model = TypeVar("Model", bound=BaseModel)


def parse_request(body: bytes, model: type[Model]) -> Model:
    """Parse the body of a request. If a member is repeated, the last one counts.

    Raises:
        MalformedJsonError: the body is not JSON.
        InvalidRequestError: the body is JSON but not a valid request; ``errors`` has the first
            ``MAX_ERRORS``.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems, total = first_errors(error, body, model), error.error_count()
    if problems[0]["type"] == "json_invalid":
        raise MalformedJsonError(decapitalised(problems[0]["msg"]))
    _reject_constants(body)
    errors = [FieldError(*explain(problem, model, FORMATS)) for problem in problems[:MAX_ERRORS]]
    raise InvalidRequestError(_summary(errors, total), errors=errors)


def _reject_constants(body: bytes) -> None:
    # Pydantic parses NaN and Infinity as numbers. Few bodies contain these words.
    if b"NaN" not in body and b"Infinity" not in body:
        return

    def reject(constant: str) -> NoReturn:
        raise MalformedJsonError(f"{constant} is not JSON")

    json.loads(body, parse_constant=reject, parse_int=str, parse_float=str)


def _summary(errors: list[FieldError], total: int) -> str:
    first = errors[0]
    where = f"{first.pointer}: " if first.pointer else ""
    others = total - 1
    if not others:
        return where + first.detail
    listed = "" if total <= MAX_ERRORS else f", the first {MAX_ERRORS} are listed"
    return f"{where}{first.detail} ({total} errors in total{listed})"
