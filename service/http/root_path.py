"""The root path, below which a proxy serves the service."""

from typing import Final

from starlette.types import Scope

_ROOT: Final = "bitrecall.root_path"


def strip_root_path(scope: Scope, root_path: str) -> None:
    """Remove the root path from the path of a request, unless the proxy has removed it.

    A second call for the same request does nothing.
    """
    if _ROOT in scope:
        return
    scope[_ROOT] = root_path
    path, raw_path = scope["path"], scope["raw_path"]
    root = root_path.encode()
    if path.startswith(root_path) and path[len(root_path) :][:1] == "/":
        scope["path"] = path[len(root_path) :]
        scope["raw_path"] = raw_path.removeprefix(root)


def root_path_of(scope: Scope) -> str:
    """The root path of a request, a prefix for paths in responses; may be empty."""
    root_path: str = scope.get(_ROOT, "")
    return root_path
