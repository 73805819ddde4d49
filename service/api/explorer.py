"""The explorer: a web page at ``/`` that shows recommendations."""

from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

_TYPES: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
# No content from other origins, no inline scripts or styles, no frames.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def explorer_routes(root_path: str = "") -> list[BaseRoute]:
    """The routes of the page, its style and its scripts.

    Args:
        root_path: path below which a proxy serves the service.
    """
    contents = _contents()

    async def page(request: Request) -> Response:
        """``GET /``."""
        return _file_response(request, contents, "index.html")

    async def file(request: Request) -> Response:
        """``GET /explorer/{name}``."""
        return _file_response(request, contents, request.path_params["name"])

    async def redirect(request: Request) -> Response:
        """Add a slash to the root path: the page loads its files relative to it."""
        return RedirectResponse(f"{root_path}/", status_code=308)

    return [
        *([Route(root_path, redirect, methods=["GET"])] if root_path else []),
        Route("/", page, methods=["GET"]),
        Route("/explorer/{name}", file, methods=["GET"]),
    ]


def _contents() -> Mapping[str, bytes]:
    folder = files("bitrecall.service") / "explorer"
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name.rpartition(".")[2] in _TYPES
    }


def _file_response(request: Request, contents: Mapping[str, bytes], name: str) -> Response:
    content = contents.get(name)
    if content is None:
        raise HTTPException(404)
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)
