"""The first errors of an invalid request, in a time that does not grow with their number.

A body of 1 MB can have 90,000 unknown members. Creating an error for each would block the event
loop for longer than all other work on the request.
"""

import itertools
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

# Maximum errors that are all created, which takes a millisecond or two.
_FEW: Final = 500
# Maximum unknown members of a body, and entries of each mapping, that are examined.
_MAX_MEMBERS: Final = 50


def first_errors(error: ValidationError, body: bytes, model: type[BaseModel]) -> list[ErrorDetails]:
    """Some of the errors of a body: all if there are few, otherwise at least one.

    Args:
        error: the error raised by validating the body.
        body: the body; valid JSON, unless ``error`` reports invalid JSON.
        model: the model of the body.
    """
    if error.error_count() > _FEW:
        shortened = _Shortening().of(from_json(body), model)
        try:
            model.model_validate_json(to_json(shortened))
        except ValidationError as shortened_error:
            error = shortened_error
    return error.errors(include_url=False)


class _Shortening:
    """Removes members of a request that would only repeat the errors of earlier members."""

    def __init__(self) -> None:
        self._remaining = _MAX_MEMBERS

    def of(self, value: Any, annotation: Any) -> Any:
        """A parsed value without most of its unknown members."""
        while get_origin(annotation) in (Annotated, Union, UnionType):
            annotation = get_args(annotation)[0]
        inner = get_args(annotation)[-1:]
        if isinstance(value, dict):
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                return self._of_model(value, annotation)
            entries = itertools.islice(value.items(), _MAX_MEMBERS)
            return {name: self.of(item, inner[0]) if inner else item for name, item in entries}
        if isinstance(value, list) and get_origin(annotation) is list:
            return [self.of(item, inner[0]) for item in value]
        return value

    def _of_model(self, value: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
        fields = {
            spelling: field.annotation
            for name, field in model.model_fields.items()
            for spelling in (name, field.alias or name)
        }
        kept = {name: self.of(value[name], fields[name]) for name in fields.keys() & value.keys()}
        unknown = itertools.islice((name for name in value if name not in fields), self._remaining)
        for name in unknown:
            kept[name] = None
            self._remaining -= 1
        return kept
