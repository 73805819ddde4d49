"""Paths that end in an id, whatever is in it."""

import re
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route


def id_route(
    prefix: str, answer: Callable[[Request], Awaitable[Response]], methods: Sequence[str]
) -> BaseRoute:
    """The route of ``prefix`` and an id, which may have slashes and line ends in it."""
    route = Route(prefix + "{id:path}", answer, methods=list(methods))
    # The pattern that starlette makes of a path stops at the first line end.
    route.path_regex = re.compile(re.escape(prefix) + r"(?P<id>[\s\S]*)\Z")
    return route
