"""The applications of ``event_loop``: ``/recommend`` served in several ways."""

from pathlib import Path
from typing import Any

import faiss
from anyio import to_thread
from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import Route

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.parsing import parse_request
from bitrecall.service.api.rendering import render
from bitrecall.service.api.schemas.requests import RecommendRequest
from bitrecall.service.api.schemas.responses import RecommendedItem, RecommendResponse
from bitrecall.service.app import create_app
from bitrecall.service.http.body import read_body
from bitrecall.service.settings import Settings

WAYS = (
    "plain route, inline",
    "plain route, thread",
    "plain route, thread k>100",
    "FastAPI route, inline",
    "FastAPI route, thread",
)


def recommend(recommender: Recommender, request: RecommendRequest) -> bytes:
    """Return a response as JSON, computed on the current thread."""
    faiss.omp_set_num_threads(1)
    return render(recommender.recommend(request.user_id, request.query_options()))


def recommend_as_model(recommender: Recommender, request: RecommendRequest) -> RecommendResponse:
    """Return a response as the model of a FastAPI route."""
    faiss.omp_set_num_threads(1)
    result = recommender.recommend(request.user_id, request.query_options())
    ranked = zip(result.item_ids, result.distances or (), strict=True)
    return RecommendResponse(
        user_id=result.user_id,
        k=result.k,
        items=[
            RecommendedItem(id=item, distance=distance, score=result.bits - 2 * distance)
            for item, distance in ranked
        ],
        release_id=result.release_id,
        source=result.source,
    )


class PlainRoute:
    """The plain route, with searches inline or on a thread."""

    def __init__(self, recommender: Recommender, *, thread: bool) -> None:
        self._recommender = recommender
        self._thread = thread

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Respond like the service, except for where the search runs."""
        body = await read_body(scope, receive, limit=65_536, seconds=10.0)
        request = parse_request(body, RecommendRequest)
        if self._thread:
            content = await to_thread.run_sync(recommend, self._recommender, request)
        else:
            content = recommend(self._recommender, request)
        await Response(content, media_type="application/json")(scope, receive, send)


def application(way: str, releases: Path) -> FastAPI:
    """The service, with ``/recommend`` served in one of the ways."""
    app = create_app(Settings(releases=releases, poll_interval=3600))
    recommender = Recommender(ReleaseStore(releases).open_current())
    if way == "plain route, thread k>100":
        return app
    app.router.routes[:] = [
        route for route in app.router.routes if getattr(route, "path", None) != "/recommend"
    ]
    if way.startswith("plain"):
        plain = PlainRoute(recommender, thread=way.endswith("thread"))
        app.router.routes.append(Route("/recommend", plain, methods=["POST"]))
    elif way == "FastAPI route, inline":

        @app.post("/recommend", response_model_exclude_unset=True)
        async def on_the_loop(request: RecommendRequest) -> RecommendResponse:
            return recommend_as_model(recommender, request)
    else:

        @app.post("/recommend", response_model_exclude_unset=True)
        def on_a_thread(request: RecommendRequest) -> RecommendResponse:
            return recommend_as_model(recommender, request)

    return app
