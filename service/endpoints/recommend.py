"""``POST /recommend``, ``/recommend/batch`` and ``/similar``."""

from starlette.routing import BaseRoute, Route

from service.answers.query import Wish
from service.answers.recommender import Recommender
from service.endpoints.asked import INLINE_K, FromRelease
from service.fresh.live import Live
from service.releases import CurrentRelease
from service.rendering import render, render_batch, render_similar
from service.schemas.requests import (
    BatchRequest,
    RecommendRequest,
    SimilarRequest,
    request_models,
)
from service.settings import Settings


def recommend_routes(settings: Settings, current: CurrentRelease, live: Live) -> list[BaseRoute]:
    """The paths that answer with items."""
    models = request_models(settings)

    def recommend_one(recommender: Recommender, asked: RecommendRequest) -> bytes:
        question = (asked.user_id, _wish(asked), asked.given_history())
        current.questions.keep(question)
        return render(recommender.recommend(*question))

    recommend = FromRelease(settings, current, live, models.recommend, recommend_one, _is_short)
    similar = FromRelease(settings, current, live, models.similar, _similar, _few)
    batch = FromRelease(settings, current, live, models.batch, _batch, _never)
    return [
        Route("/recommend", recommend, methods=["POST"]),
        Route("/recommend/batch", batch, methods=["POST"]),
        Route("/similar", similar, methods=["POST"]),
    ]


def _wish(asked: RecommendRequest | BatchRequest) -> Wish:
    return asked.wish(exclude_seen=asked.exclude_seen, explain=asked.explain)


def _batch(recommender: Recommender, asked: BatchRequest) -> bytes:
    return render_batch(recommender.recommend_all(asked.user_ids, _wish(asked)))


def _similar(recommender: Recommender, asked: SimilarRequest) -> bytes:
    return render_similar(asked.item_id, recommender.similar(asked.item_id, asked.wish()))


def _is_short(asked: RecommendRequest) -> bool:
    return asked.k <= INLINE_K and not asked.explain


def _few(asked: SimilarRequest) -> bool:
    return asked.k <= INLINE_K


def _never(asked: BatchRequest) -> bool:
    return False
