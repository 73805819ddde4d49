"""``GET /livez`` and ``/readyz``: the health checks."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bitrecall.service.api.release_endpoint import retry_after
from bitrecall.service.errors import NotReadyError
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings


def health_routes(
    settings: Settings, current: CurrentRelease, event_feed: EventFeed
) -> list[BaseRoute]:
    """The routes of the health checks."""

    async def livez(request: Request) -> Response:
        """``GET /livez``: the process runs and its event loop responds."""
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        """``GET /readyz``: whether a release is loaded."""
        if current.recommender is None:
            raise NotReadyError(current.reason, headers=retry_after(settings))
        document: dict[str, object] = {
            "status": "ready",
            "release_id": current.recommender.release_id,
        }
        if details := event_feed.details_of(current.recommender):
            document["details"] = details
        return JSONResponse(document)

    return [
        Route("/livez", livez, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
    ]
