"""``POST /recommend``, ``/recommend/batch`` and ``/similar``."""

from typing import Any, Final

from anyio import to_thread
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.search_steps import SearchSteps
from bitrecall.service.api.release_endpoint import INLINE_K, ReleaseEndpoint
from bitrecall.service.api.rendering import render, render_batch, render_batch_entry, render_similar
from bitrecall.service.api.schemas.requests import (
    BatchRequest,
    RecommendRequest,
    SimilarRequest,
    request_models,
)
from bitrecall.service.api.thread_offload import Check, ThreadOffload
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.releases.comparison import ReleaseCache
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings

CHUNK_ITEMS: Final = 2000
"""Size of the parts, in items, in which a batch response is computed."""


def recommend_routes(
    settings: Settings,
    current: CurrentRelease,
    event_feed: EventFeed,
    metrics: Metrics,
    batcher: MicroBatcher,
) -> list[BaseRoute]:
    """The routes that return ranked items."""
    models = request_models(settings)

    def recommend(
        recommender: Recommender, request: RecommendRequest, _: Check
    ) -> SearchSteps[bytes]:
        query = request.query()
        current.warmup_queries.add(query)
        recommendations = yield from recommender.recommend_steps(*query)
        metrics.count_recommendations((recommendations,))
        return render(recommendations)

    def recommend_many(
        recommender: Recommender, request: BatchRequest, check: Check
    ) -> SearchSteps[bytes]:
        options = request.query_options()
        # A user that occurs twice is searched once. Results are rendered in chunks: as objects they
        # take ten times the memory of their JSON.
        users = list(dict.fromkeys(request.user_ids))
        chunk_size = max(1, CHUNK_ITEMS * len(request.user_ids) // request.size())
        rendered: dict[str, bytes] = {}
        for start in range(0, len(users), chunk_size):
            check()
            chunk = users[start : start + chunk_size]
            results = yield from recommender.recommend_many_steps(chunk, options)
            metrics.count_recommendations(results)
            rendered |= zip(chunk, map(render_batch_entry, results), strict=True)
        return render_batch(
            [rendered[user] for user in request.user_ids], options.k, recommender.release_id
        )

    def similar(recommender: Recommender, request: SimilarRequest, _: Check) -> SearchSteps[bytes]:
        items = yield from recommender.similar_steps(request.item_id, request.query_options())
        return render_similar(request.item_id, items)

    def compare(
        recommender: Recommender, request: RecommendRequest, _: Check
    ) -> SearchSteps[bytes]:
        return render((yield from recommender.recommend_steps(*request.query())))

    common = (settings, current, event_feed)
    heavy = ThreadOffload(settings.max_heavy_requests)
    endpoints: dict[str, ReleaseEndpoint[Any]] = {
        "/recommend": ReleaseEndpoint(
            *common, models.recommend, recommend, batcher, heavy, _is_short
        ),
        "/recommend/batch": ReleaseEndpoint(
            *common, models.batch, recommend_many, batcher, heavy, _never
        ),
        "/similar": ReleaseEndpoint(
            *common, models.similar, similar, batcher, heavy, _has_few_items
        ),
        "/releases/{id}/recommend": ReleaseComparisonEndpoint(
            *common, models.recommend, compare, batcher, heavy, _never
        ),
    }
    return [Route(path, endpoint, methods=["POST"]) for path, endpoint in endpoints.items()]


class ReleaseComparisonEndpoint(ReleaseEndpoint[RecommendRequest]):
    """``POST /releases/{id}/recommend``: like ``/recommend``, with the release in the path."""

    def __init__(self, settings: Settings, current: CurrentRelease, *args: Any) -> None:
        super().__init__(settings, current, *args)
        self._releases = ReleaseCache(current)

    async def _recommender(self, scope: Scope) -> Recommender:
        release_id = scope["path_params"]["id"]
        return await to_thread.run_sync(self._releases.recommender, release_id)


def _is_short(recommender: Recommender, request: RecommendRequest) -> bool:
    return (
        request.k <= INLINE_K and not request.explain and not recommender.is_long(request.user_id)
    )


def _has_few_items(_: Recommender, request: SimilarRequest) -> bool:
    return request.k <= INLINE_K


def _never(_: Recommender, request: RecommendRequest | BatchRequest) -> bool:
    return False
