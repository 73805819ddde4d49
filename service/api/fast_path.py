"""The way past the framework for the paths that are asked most."""

from collections.abc import Mapping, Sequence

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bitrecall.service.api.release_endpoint import ReleaseEndpoint
from bitrecall.service.errors import RequestError
from bitrecall.service.http.root_path import root_path_of
from bitrecall.service.problems import error_response


class FastPath:
    """Answers ``POST`` to some paths, past the framework.

    It tries one route after the other, keeps a stack of what to close for each request, and watches
    for what it need not: a third of the time of a whole answer (docs/performance.md).

    Args:
        paths: what answers, by path.
    """

    def __init__(self, paths: Mapping[str, ASGIApp]) -> None:
        self._paths = paths

    def matches(self, scope: Scope) -> bool:
        """Whether a request is for one of the paths."""
        return (
            scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in self._paths
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that it takes."""
        try:
            await self._paths[scope["path"]](scope, receive, send)
        except RequestError as error:
            await error_response(error, root_path_of(scope))(scope, receive, send)


def fast_routes(routes: Sequence[BaseRoute]) -> dict[str, ASGIApp]:
    """Those of the routes that can be gone to directly: answers from the release, by one path."""
    return {
        route.path: route.endpoint
        for route in routes
        if isinstance(route, Route)
        and isinstance(route.endpoint, ReleaseEndpoint)
        and not route.param_convertors
    }
