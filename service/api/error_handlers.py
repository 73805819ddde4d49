"""Error responses, and the pages that explain them."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bitrecall.service.errors import RequestError
from bitrecall.service.http.root_path import root_path_of
from bitrecall.service.problem_responses import error_response, problem_response
from bitrecall.service.problems import PROBLEMS


def problem_routes() -> list[BaseRoute]:
    """The routes of the pages that explain problem types."""
    return [
        Route("/problems", problem_list, methods=["GET"]),
        Route("/problems/{name}", problem_page, methods=["GET"]),
    ]


async def problem_list(request: Request) -> Response:
    """``GET /problems``: the list of problem types."""
    root_path = root_path_of(request.scope)
    lines = [
        f"{root_path}{problem.uri}  {problem.status}  {problem.title}"
        for problem in PROBLEMS.values()
    ]
    return PlainTextResponse("\n".join(lines) + "\n")


async def problem_page(request: Request) -> Response:
    """``GET /problems/{name}``: what a problem type means."""
    name = request.path_params["name"]
    if name not in PROBLEMS:
        raise HTTPException(404)
    return PlainTextResponse(PROBLEMS[name].page())


async def handle_request_error(request: Request, error: Exception) -> Response:
    """The response to a ``RequestError``."""
    if not isinstance(error, RequestError):
        raise error
    return error_response(error, root_path_of(request.scope))


async def handle_http_error(request: Request, error: Exception) -> Response:
    """The response to a routing error: an unknown path (404) or a wrong method (405)."""
    if not isinstance(error, HTTPException):
        raise error
    headers: Mapping[str, str] = error.headers or {}
    method, path, root_path = request.method, request.scope["path"], root_path_of(request.scope)
    if error.status_code == 405:
        allowed = headers.get("Allow", "")
        return problem_response(
            PROBLEMS["method-not-allowed"],
            f"{path[:200]} allows {allowed}, not {method}",
            headers=headers,
            root_path=root_path,
        )
    return problem_response(
        PROBLEMS["not-found"],
        f"unknown path: {path[:200]}",
        headers=headers,
        root_path=root_path,
    )
