"""``POST /recommend``, ``/recommend/batch`` and ``/similar``."""

from typing import Any

from anyio import to_thread
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from service.answers.query import Wish
from service.answers.recommender import Recommender
from service.answers.steps import Steps
from service.comparing import OtherReleases
from service.endpoints.asked import INLINE_K, FromRelease
from service.fresh.live import Live
from service.observing.metrics import Metrics
from service.releases import CurrentRelease
from service.rendering import render, render_batch, render_similar
from service.rounds import Rounds
from service.schemas.requests import (
    BatchRequest,
    RecommendRequest,
    SimilarRequest,
    request_models,
)
from service.settings import Settings


def recommend_routes(
    settings: Settings, current: CurrentRelease, live: Live, metrics: Metrics, rounds: Rounds
) -> list[BaseRoute]:
    """The paths that answer with items."""
    models = request_models(settings)

    def recommend(recommender: Recommender, asked: RecommendRequest) -> Steps[bytes]:
        question = (asked.user_id, _wish(asked), asked.given_history())
        current.questions.keep(question)
        answer = yield from recommender.recommend(*question)
        metrics.answered((answer,))
        return render(answer)

    def batch(recommender: Recommender, asked: BatchRequest) -> Steps[bytes]:
        answers = yield from recommender.recommend_all(asked.user_ids, _wish(asked))
        metrics.answered(answers)
        return render_batch(answers)

    def similar(recommender: Recommender, asked: SimilarRequest) -> Steps[bytes]:
        answer = yield from recommender.similar(asked.item_id, asked.wish())
        return render_similar(asked.item_id, answer)

    def compare(recommender: Recommender, asked: RecommendRequest) -> Steps[bytes]:
        question = (asked.user_id, _wish(asked), asked.given_history())
        return render((yield from recommender.recommend(*question)))

    given = (settings, current, live)
    answering: dict[str, FromRelease[Any]] = {
        "/recommend": FromRelease(*given, models.recommend, recommend, rounds, _is_short),
        "/recommend/batch": FromRelease(*given, models.batch, batch, rounds, _never),
        "/similar": FromRelease(*given, models.similar, similar, rounds, _few),
        "/releases/{id}/recommend": FromOther(*given, models.recommend, compare, rounds, _never),
    }
    return [Route(path, answer, methods=["POST"]) for path, answer in answering.items()]


class FromOther(FromRelease[RecommendRequest]):
    """``POST /releases/{id}/recommend``: as ``/recommend``, from the release that is named."""

    def __init__(self, settings: Settings, current: CurrentRelease, *given: Any) -> None:
        super().__init__(settings, current, *given)
        self._others = OtherReleases(current)

    async def _recommender(self, scope: Scope) -> Recommender:
        release_id = scope["path_params"]["id"]
        return await to_thread.run_sync(self._others.recommender, release_id)


def _wish(asked: RecommendRequest | BatchRequest) -> Wish:
    return asked.wish(exclude_seen=asked.exclude_seen, explain=asked.explain)


def _is_short(asked: RecommendRequest) -> bool:
    return asked.k <= INLINE_K and not asked.explain


def _few(asked: SimilarRequest) -> bool:
    return asked.k <= INLINE_K


def _never(asked: RecommendRequest | BatchRequest) -> bool:
    return False
