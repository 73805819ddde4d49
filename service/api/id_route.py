"""Paths that end in an id, whatever is in it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final
from urllib.parse import unquote_to_bytes

from pydantic import StringConstraints, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bitrecall.service.errors import InvalidRequestError

# The rule of bodies: ``str.strip`` takes U+001C to U+001F off as well, which would be another id.
_WITHOUT_BLANKS: Final = TypeAdapter(Annotated[str, StringConstraints(strip_whitespace=True)])


def id_route(
    prefix: str, answer: Callable[[Request], Awaitable[Response]], methods: Sequence[str]
) -> BaseRoute:
    """The route of ``prefix`` and an id, which may have slashes and line ends in it."""
    route = Route(prefix + "{id:path}", answer, methods=list(methods))
    # The pattern that starlette makes of a path stops at the first line end.
    route.path_regex = re.compile(re.escape(prefix) + r"(?P<id>[\s\S]*)\Z")
    return route


def id_in_path(request: Request) -> str:
    """The id at the end of the path, without the blanks around it, as in bodies and files.

    Raises:
        InvalidRequestError: the path is not UTF-8. Replacing what cannot be decoded would make
            another id of it.
    """
    try:
        unquote_to_bytes(request.scope["raw_path"]).decode()
    except UnicodeDecodeError:
        raise InvalidRequestError("the path has to be percent-encoded UTF-8") from None
    return _WITHOUT_BLANKS.validate_python(request.path_params["id"])
