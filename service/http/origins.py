"""Requests from pages of other origins: protection against CSRF, and CORS.

The rule for requests that change data is that of Go's ``net/http.CrossOriginProtection``: it
relies on the headers in which a browser states the origin. Other clients do not send them.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bitrecall.service.errors import CrossOriginError
from bitrecall.service.http.root_path import root_path_of
from bitrecall.service.problem_responses import error_response
from bitrecall.service.settings import variable

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# POST requests that change nothing: they use POST because they need a body.
_SAFE_POSTS: Final = frozenset({"/recommend", "/recommend/batch", "/similar"})


def changes_state(method: str, path: str) -> bool:
    """Whether a request may change data; True for unknown paths."""
    if method in _SAFE_METHODS or path in _SAFE_POSTS:
        return False
    return not (path.startswith("/releases/") and path.endswith("/recommend"))


class CrossOriginProtection:
    """Rejects requests that change data and come from a page of another origin.

    Args:
        app: the application to call.
        allowed: origins whose pages may send such requests.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, or reject the request."""
        if scope["type"] == "http" and changes_state(scope["method"], scope["path"]):
            foreign = self._foreign(Headers(scope=scope))
            if foreign is not None:
                error = CrossOriginError(
                    f"a page of {foreign[:100]} may not change data: "
                    f"add its origin to {variable('allowed_origins')} to allow that"
                )
                await error_response(error, root_path_of(scope))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _foreign(self, headers: Headers) -> str | None:
        """The other origin that a request comes from; None for our own pages and other clients."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin in self._allowed:
            return None
        if site is not None:
            return None if site in ("same-origin", "none") else origin or f"another site ({site})"
        if origin is None or _host_of(origin) == headers.get("host", "").lower():
            return None
        return origin


class CorsMiddleware(CORSMiddleware):
    """Lets pages of some origins read responses (CORS)."""

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=sorted(allowed),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["authorization", "content-type", "x-request-id"],
            expose_headers=["retry-after", "x-request-id"],
        )


def _host_of(origin: str) -> str:
    """Host and port of an origin, as in a Host header."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return origin
