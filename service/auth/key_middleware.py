"""Checking the key of a request."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bitrecall.service.auth.key_file import KeyFile
from bitrecall.service.auth.keyring import Role
from bitrecall.service.errors import ForbiddenError, RequestError, UnauthorizedError
from bitrecall.service.http.root_path import root_path_of
from bitrecall.service.problem_responses import error_response

# Paths that need no key: health checks and documentation.
_OPEN: Final = frozenset({"/", "/livez", "/readyz", "/openapi.json", "/problems"})
_OPEN_BELOW: Final = ("/problems/", "/explorer/")
_RECOMMENDATIONS: Final = frozenset({"/recommend", "/recommend/batch", "/similar", "/popular"})

_ROLE: Final = "bitrecall.role"


def role_needed(method: str, path: str) -> Role | None:
    """The role that a request needs; None if it needs no key."""
    if path in _OPEN or path.startswith(_OPEN_BELOW):
        return None
    if path in _RECOMMENDATIONS:
        return Role.RECOMMEND
    if path.startswith("/releases/"):
        return Role.ADMIN
    if path == "/events" or method == "DELETE":
        return Role.WRITE
    return Role.READ


def may_see_histories(scope: Scope) -> bool:
    """Whether a request may see the items of users: not with a key of the role recommend."""
    return scope.get(_ROLE) is not Role.RECOMMEND


class KeyMiddleware:
    """Rejects requests without a key whose role allows them."""

    def __init__(self, app: ASGIApp, keys: KeyFile) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, or reject the request."""
        if scope["type"] == "http":
            needed = role_needed(scope["method"], scope["path"])
            if needed is not None and (error := self._error(scope, needed)) is not None:
                await error_response(error, root_path_of(scope))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _error(self, scope: Scope, needed: Role) -> RequestError | None:
        scheme, _, secret = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            return UnauthorizedError(
                "this request needs a key, in the header 'Authorization: Bearer KEY'"
            )
        role = self._keys.role_of(secret.strip())
        if role is None:
            return UnauthorizedError("this key is unknown or was revoked")
        if role < needed:
            return ForbiddenError(
                f"this request needs a key of the role {needed.name.lower()}; "
                f"this key has the role {role.name.lower()}"
            )
        scope[_ROLE] = role
        return None
