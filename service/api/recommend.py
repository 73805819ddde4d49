"""``POST /recommend``, ``/recommend/batch`` and ``/similar``."""

from typing import Any, Final

from anyio import to_thread
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.search_steps import SearchSteps
from bitrecall.index.recommend.types import QueryOptions
from bitrecall.service.api.release_endpoint import INLINE_K, ReleaseEndpoint
from bitrecall.service.api.rendering import render, render_batch, render_one_of, render_similar
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

# Items, as in the size of a request, that are found and written at a time.
PIECE: Final = 2000


def recommend_routes(
    settings: Settings,
    current: CurrentRelease,
    event_feed: EventFeed,
    metrics: Metrics,
    batcher: MicroBatcher,
) -> list[BaseRoute]:
    """The paths that answer with items."""
    models = request_models(settings)

    def recommend(
        recommender: Recommender, asked: RecommendRequest, _: Check
    ) -> SearchSteps[bytes]:
        question = (asked.user_id, _options(asked), asked.given_history())
        current.warmup_queries.keep(question)
        answer = yield from recommender.recommend_steps(*question)
        metrics.answered((answer,))
        return render(answer)

    def batch(recommender: Recommender, asked: BatchRequest, check: Check) -> SearchSteps[bytes]:
        options = _options(asked)
        # A user who is named twice is answered once, and the answers are written a few at a time:
        # as objects they take ten times the memory of their JSON.
        users = list(dict.fromkeys(asked.user_ids))
        together = max(1, PIECE * len(asked.user_ids) // asked.size())
        written: dict[str, bytes] = {}
        for start in range(0, len(users), together):
            check()
            some = users[start : start + together]
            answers = yield from recommender.recommend_many_steps(some, options)
            metrics.answered(answers)
            written |= zip(some, map(render_one_of, answers), strict=True)
        return render_batch(
            [written[user] for user in asked.user_ids], options.k, recommender.release_id
        )

    def similar(recommender: Recommender, asked: SimilarRequest, _: Check) -> SearchSteps[bytes]:
        answer = yield from recommender.similar_steps(asked.item_id, asked.options())
        return render_similar(asked.item_id, answer)

    def compare(recommender: Recommender, asked: RecommendRequest, _: Check) -> SearchSteps[bytes]:
        question = (asked.user_id, _options(asked), asked.given_history())
        return render((yield from recommender.recommend_steps(*question)))

    given = (settings, current, event_feed)
    heavy = ThreadOffload(settings.max_heavy_requests)
    answering: dict[str, ReleaseEndpoint[Any]] = {
        "/recommend": ReleaseEndpoint(
            *given, models.recommend, recommend, batcher, heavy, _is_short
        ),
        "/recommend/batch": ReleaseEndpoint(*given, models.batch, batch, batcher, heavy, _never),
        "/similar": ReleaseEndpoint(*given, models.similar, similar, batcher, heavy, _few),
        "/releases/{id}/recommend": ReleaseComparisonEndpoint(
            *given, models.recommend, compare, batcher, heavy, _never
        ),
    }
    return [Route(path, answer, methods=["POST"]) for path, answer in answering.items()]


class ReleaseComparisonEndpoint(ReleaseEndpoint[RecommendRequest]):
    """``POST /releases/{id}/recommend``: as ``/recommend``, from the release that is named."""

    def __init__(self, settings: Settings, current: CurrentRelease, *given: Any) -> None:
        super().__init__(settings, current, *given)
        self._others = ReleaseCache(current)

    async def _recommender(self, scope: Scope) -> Recommender:
        release_id = scope["path_params"]["id"]
        return await to_thread.run_sync(self._others.recommender, release_id)


def _options(asked: RecommendRequest | BatchRequest) -> QueryOptions:
    return asked.options(exclude_seen=asked.exclude_seen, explain=asked.explain)


def _is_short(recommender: Recommender, asked: RecommendRequest) -> bool:
    return asked.k <= INLINE_K and not asked.explain and not recommender.is_long(asked.user_id)


def _few(_: Recommender, asked: SimilarRequest) -> bool:
    return asked.k <= INLINE_K


def _never(_: Recommender, asked: RecommendRequest | BatchRequest) -> bool:
    return False
