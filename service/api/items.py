"""``GET /popular``, ``/items``, ``/users`` and ``/items/{id}``: lookups."""

from collections.abc import Callable
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bitrecall.index.recommend.lookups import item_info, most_popular
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.id_table import IdTable
from bitrecall.service.api.id_route import id_in_path, id_route
from bitrecall.service.api.json_responses import json_response
from bitrecall.service.api.release_endpoint import ready_recommender
from bitrecall.service.errors import InvalidRequestError
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings

_MAX_K_DIGITS = 10


def lookup_routes(settings: Settings, current: CurrentRelease) -> list[BaseRoute]:
    """The routes that list items and users, and describe an item."""

    async def popular(request: Request) -> Response:
        """``GET /popular``: the most popular items."""
        _check_parameters(request, {"k"})
        k = _k_of(request, settings)
        recommender = ready_recommender(settings, current)
        items = [
            {"id": item, "popularity": popularity}
            for item, popularity in most_popular(recommender, k)
        ]
        return json_response({"items": items, "release_id": recommender.release_id})

    async def item(request: Request) -> Response:
        """``GET /items/{id}``: data about an item."""
        recommender = ready_recommender(settings, current)
        return json_response(asdict(item_info(recommender, id_in_path(request))))

    def ids(table_of: Callable[[Recommender], IdTable]) -> Callable[[Request], object]:
        async def list_ids(request: Request) -> Response:
            _check_parameters(request, {"k", "prefix"})
            k = _k_of(request, settings)
            recommender = ready_recommender(settings, current)
            table = table_of(recommender)
            rows = table.starting_with(request.query_params.get("prefix", ""), k)
            return json_response({"ids": table.ids_of(rows), "release_id": recommender.release_id})

        return list_ids

    return [
        Route("/popular", popular, methods=["GET"]),
        Route("/items", ids(lambda recommender: recommender.release.items), methods=["GET"]),
        Route("/users", ids(lambda recommender: recommender.release.users), methods=["GET"]),
        id_route("/items/", item, ["GET"]),
    ]


def _check_parameters(request: Request, known: set[str]) -> None:
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        allowed = " and ".join(sorted(known))
        raise InvalidRequestError(f"unknown parameter {unknown[0][:100]!r}: expected {allowed}")


def _k_of(request: Request, settings: Settings) -> int:
    """The query parameter k.

    Raises:
        InvalidRequestError: k is not a number within its bounds.
    """
    text = request.query_params.get("k")
    if text is None:
        return settings.default_k
    k = int(text) if len(text) <= _MAX_K_DIGITS and text.isascii() and text.isdecimal() else 0
    if not 1 <= k <= settings.max_k:
        raise InvalidRequestError(
            f"the parameter k has to be a whole number from 1 to {settings.max_k}, "
            f"not {text[:100]!r}"
        )
    return k
