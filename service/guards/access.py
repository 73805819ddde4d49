"""Who may ask for what."""

import logging
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import ForbiddenError, KeysError, RequestError, UnauthorizedError
from service.guards.keys import Keyring, Role, read_keys
from service.problems import refusal

# Paths that need no key: whether the service runs, and how to use it.
_OPEN: Final = frozenset({"/", "/livez", "/readyz", "/openapi.json", "/problems"})
_OPEN_BELOW: Final = ("/problems/", "/explorer/")

_log = logging.getLogger(__name__)


def role_needed(method: str, path: str) -> Role | None:
    """The least role that may use a path, None where anybody may."""
    if path in _OPEN or path.startswith(_OPEN_BELOW):
        return None
    if path.startswith("/releases/"):
        return Role.ADMIN
    if path == "/events" or method == "DELETE":
        return Role.WRITE
    return Role.READ


class KeyFile:
    """The keys in a file, read again when it changes.

    One that cannot be read any more leaves the keys as they were. Raises ``KeysError`` when it
    cannot be read at first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = _stamp(path)
        self._keyring = Keyring(read_keys(path))

    def role_of(self, secret: str) -> Role | None:
        """The role of a key, None where it is none."""
        changed = _stamp(self._path)
        if changed != self._changed:
            self._changed = changed
            self._read_again()
        return self._keyring.role_of(secret)

    def _read_again(self) -> None:
        try:
            self._keyring = Keyring(read_keys(self._path))
            _log.info("the keys were read again: there are %d", len(self._keyring.keys))
        except KeysError as error:
            _log.warning("the keys stay as they were: %s", error)


class Access:
    """Refuses requests without a key that may do what they ask for."""

    def __init__(self, app: ASGIApp, keys: KeyFile) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            needed = role_needed(scope["method"], scope["path"])
            if needed is not None and (refused := self._refused(scope, needed)) is not None:
                await refusal(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope, needed: Role) -> RequestError | None:
        scheme, _, secret = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            return UnauthorizedError("this needs a key, as the header 'Authorization: Bearer KEY'")
        role = self._keys.role_of(secret.strip())
        if role is None:
            return UnauthorizedError("this key is not, or no longer, accepted")
        if role < needed:
            return ForbiddenError(
                f"this needs a key of the role {needed.name.lower()}, "
                f"and yours is of the role {role.name.lower()}"
            )
        return None


def _stamp(path: Path) -> tuple[int, int] | None:
    """What tells one state of a file from another; None where it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
