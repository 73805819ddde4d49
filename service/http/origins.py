"""Requests that a page of somebody else's makes a browser send: CSRF, and CORS.

The rule for changes is that of Go's ``net/http.CrossOriginProtection``: what a browser says of
where a request comes from decides, and what is not a browser says nothing.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bitrecall.service.errors import CrossOriginError
from bitrecall.service.http.root_path import root_path_of
from bitrecall.service.problems import error_response
from bitrecall.service.settings import variable

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Asked with POST, because what they ask does not fit into a path.
_QUESTIONS: Final = frozenset({"/recommend", "/recommend/batch", "/similar"})


def changes_state(method: str, path: str) -> bool:
    """Whether a request may change anything; so may a path that does not exist."""
    if method in _SAFE_METHODS or path in _QUESTIONS:
        return False
    return not (path.startswith("/releases/") and path.endswith("/recommend"))


class CrossOriginProtection:
    """Refuses requests for changes that come from a page of another origin.

    Args:
        allowed: origins whose pages may send them all the same.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and changes_state(scope["method"], scope["path"]):
            foreign = self._foreign(Headers(scope=scope))
            if foreign is not None:
                error = CrossOriginError(
                    f"a page of {foreign[:100]} may not change anything here: "
                    f"{variable('allowed_origins')} names the origins that may"
                )
                await error_response(error, root_path_of(scope))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _foreign(self, headers: Headers) -> str | None:
        """The origin of a page that is not one of ours; None if it is, or there is no page."""
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
    """Host and port of an origin, as they would stand in a Host header."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return origin
