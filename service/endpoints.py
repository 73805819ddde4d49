"""What answers at each path.

They are plain ASGI applications: a FastAPI route for the same work takes more of a processor than
the search itself (``benchmarks/event_loop.py``).
"""

import math
from collections.abc import Mapping
from typing import Final

import faiss
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from service.body import read_body
from service.errors import NotReadyError, RequestError
from service.parsing import parse_request
from service.problems import PROBLEMS, problem_response, refusal
from service.recommender import Recommender
from service.releases import CurrentRelease
from service.rendering import render
from service.schemas import RecommendRequest, request_model
from service.settings import Settings

INLINE_K: Final = 100
# A flat search of 256 bits takes 0.17 ms at 41,000 items, 0.47 at 250,000 and 1.7 at a million.
INLINE_ITEMS: Final = 500_000


class Recommend:
    """``POST /recommend``: the items for one user.

    Up to ``INLINE_K`` items among up to ``INLINE_ITEMS`` are found on the event loop, since handing
    the work to a thread takes more of the processor than the work. Others would have to wait longer
    for more, so that is left to a thread (docs/service.md has the measurement).
    """

    def __init__(self, settings: Settings, current: CurrentRelease) -> None:
        self._settings = settings
        self._current = current
        self._model = request_model(settings.default_k, settings.max_k)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises ``RequestError`` when it cannot be answered."""
        settings = self._settings
        body = await read_body(
            scope, receive, limit=settings.max_body_bytes, seconds=settings.body_timeout
        )
        request = parse_request(body, self._model)
        recommender = self._current.recommender
        if recommender is None:
            raise NotReadyError(
                "no release is loaded yet; GET /readyz says why", headers=_retry_after(settings)
            )
        if request.k <= INLINE_K and recommender.n_items <= INLINE_ITEMS:
            content = _answer(recommender, request)
        else:
            content = await to_thread.run_sync(_answer_on_thread, recommender, request)
        await Response(content, media_type="application/json")(scope, receive, send)


class Ready:
    """``GET /readyz``: whether there is a release to answer from."""

    def __init__(self, settings: Settings, current: CurrentRelease) -> None:
        self._settings = settings
        self._current = current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises ``NotReadyError`` when there is no release."""
        recommender = self._current.recommender
        if recommender is None:
            raise NotReadyError(self._current.reason, headers=_retry_after(self._settings))
        response = JSONResponse({"status": "ready", "release_id": recommender.release_id})
        await response(scope, receive, send)


async def live(request: Request) -> Response:
    """``GET /livez``: that the process runs and its event loop turns."""
    return JSONResponse({"status": "live"})


async def problem_list(request: Request) -> Response:
    """``GET /problems``: what kinds of problem there are."""
    lines = [f"{problem.uri}  {problem.status}  {problem.title}" for problem in PROBLEMS.values()]
    return PlainTextResponse("\n".join(lines) + "\n")


async def problem_page(request: Request) -> Response:
    """``GET /problems/{name}``: what a kind of problem means."""
    name = request.path_params["name"]
    if name not in PROBLEMS:
        raise HTTPException(404)
    return PlainTextResponse(PROBLEMS[name].page())


def routes(settings: Settings, current: CurrentRelease) -> list[BaseRoute]:
    """All paths of the service but ``/openapi.json``."""
    return [
        Route("/recommend", Recommend(settings, current), methods=["POST"]),
        Route("/livez", live),
        Route("/readyz", Ready(settings, current), methods=["GET"]),
        Route("/problems", problem_list),
        Route("/problems/{name}", problem_page),
    ]


async def answer_refusal(request: Request, error: Exception) -> Response:
    """The response to a ``RequestError``."""
    if not isinstance(error, RequestError):
        raise error
    return refusal(error)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """The response to what the router refuses: an unknown path (404), a wrong method (405)."""
    if not isinstance(error, HTTPException):
        raise error
    headers: Mapping[str, str] = error.headers or {}
    method, path = request.method, request.url.path
    if error.status_code == 405:
        allowed = headers.get("Allow", "")
        return problem_response(
            PROBLEMS["method-not-allowed"],
            f"{path} answers {allowed}, not {method}",
            headers=headers,
        )
    return problem_response(
        PROBLEMS["not-found"], f"there is nothing at {path[:200]}", headers=headers
    )


def _answer(recommender: Recommender, request: RecommendRequest) -> bytes:
    return render(
        recommender.recommend(request.user_id, request.k, exclude_seen=request.exclude_seen)
    )


def _answer_on_thread(recommender: Recommender, request: RecommendRequest) -> bytes:
    # Each thread has a setting of its own, and a pooled one does not say whether it is new.
    faiss.omp_set_num_threads(1)
    return _answer(recommender, request)


def _retry_after(settings: Settings) -> dict[str, str]:
    return {"Retry-After": str(math.ceil(settings.poll_interval))}
