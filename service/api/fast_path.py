"""The fast path: handles the most frequent requests without the framework."""

from collections.abc import Mapping, Sequence

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bitrecall.service.api.release_endpoint import ReleaseEndpoint
from bitrecall.service.errors import RequestError
from bitrecall.service.http.root_path import root_path_of
from bitrecall.service.problem_responses import error_response


class FastPath:
    """Dispatches ``POST`` requests to endpoints by their exact path.

    FastAPI and Starlette match routes one by one, keep an exit stack per request and handle
    exceptions. For these endpoints that doubles the cost of a request (docs/performance.md).

    Args:
        endpoints: the endpoints by path.
    """

    def __init__(self, endpoints: Mapping[str, ASGIApp]) -> None:
        self._endpoints = endpoints

    def matches(self, scope: Scope) -> bool:
        """Whether a request is for one of the endpoints."""
        return (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"] in self._endpoints
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request that ``matches``."""
        try:
            await self._endpoints[scope["path"]](scope, receive, send)
        except RequestError as error:
            await error_response(error, root_path_of(scope))(scope, receive, send)


def fast_endpoints(routes: Sequence[BaseRoute]) -> dict[str, ASGIApp]:
    """The release endpoints without path parameters, by path."""
    return {
        route.path: route.endpoint
        for route in routes
        if isinstance(route, Route)
        and isinstance(route.endpoint, ReleaseEndpoint)
        and not route.param_convertors
    }
