"""Routes whose path ends with an id, which may contain any character."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final
from urllib.parse import unquote_to_bytes

from pydantic import StringConstraints, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bitrecall.service.errors import InvalidRequestError

# As in request bodies. ``str.strip`` would also remove U+001C to U+001F, which changes the id.
_STRIPPED: Final = TypeAdapter(Annotated[str, StringConstraints(strip_whitespace=True)])


def id_route(
    prefix: str, endpoint: Callable[[Request], Awaitable[Response]], methods: Sequence[str]
) -> BaseRoute:
    """The route of ``prefix`` and an id, which may contain slashes and line ends."""
    route = Route(prefix + "{id:path}", endpoint, methods=list(methods))
    # Starlette's own pattern stops at the first line end.
    route.path_regex = re.compile(re.escape(prefix) + r"(?P<id>[\s\S]*)\Z")
    return route


def id_in_path(request: Request) -> str:
    """The id at the end of the path, without surrounding white space, as in bodies and files.

    Raises:
        InvalidRequestError: the path is not UTF-8. Replacing invalid bytes would change the id.
    """
    try:
        unquote_to_bytes(request.scope["raw_path"]).decode()
    except UnicodeDecodeError:
        raise InvalidRequestError("the path has to be percent-encoded UTF-8") from None
    return _STRIPPED.validate_python(request.path_params["id"])
