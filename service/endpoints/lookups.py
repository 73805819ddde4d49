"""``GET /popular`` and ``/items/{id}``: what is known of items."""

from dataclasses import asdict

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from service.answers.lookups import known_item, most_popular
from service.endpoints.asked import ready_recommender
from service.errors import InvalidRequestError
from service.releases import CurrentRelease
from service.settings import Settings


def lookup_routes(settings: Settings, current: CurrentRelease) -> list[BaseRoute]:
    """The paths that tell what is known of items."""

    async def popular(request: Request) -> Response:
        """``GET /popular``: the most popular items."""
        k = _k_of(request, settings)
        recommender = ready_recommender(settings, current)
        items = [
            {"id": item, "popularity": popularity}
            for item, popularity in most_popular(recommender, k)
        ]
        return _json({"items": items, "release_id": recommender.release_id})

    async def item(request: Request) -> Response:
        """``GET /items/{id}``: what is known of an item."""
        recommender = ready_recommender(settings, current)
        return _json(asdict(known_item(recommender, request.path_params["id"])))

    # An id may have slashes in it.
    return [
        Route("/popular", popular, methods=["GET"]),
        Route("/items/{id:path}", item, methods=["GET"]),
    ]


def _k_of(request: Request, settings: Settings) -> int:
    """The parameter k of the query. Raises ``InvalidRequestError``."""
    unknown = sorted(request.query_params.keys() - {"k"})
    if unknown:
        raise InvalidRequestError(f"unknown parameter {unknown[0][:100]!r}: there is only k")
    text = request.query_params.get("k")
    if text is None:
        return settings.default_k
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:20]) <= settings.max_k:
        raise InvalidRequestError(
            f"the parameter k has to be a whole number from 1 to {settings.max_k}, "
            f"not {text[:100]!r}"
        )
    return int(text)


def _json(document: dict[str, object]) -> Response:
    return Response(to_json(document), media_type="application/json")
