"""``GET /livez`` and ``/readyz``: whether the service runs, and whether it can answer."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from service.endpoints.asked import retry_after
from service.errors import NotReadyError
from service.releases import CurrentRelease
from service.settings import Settings


def health_routes(settings: Settings, current: CurrentRelease) -> list[BaseRoute]:
    """The paths that tell how the service is."""

    async def live(request: Request) -> Response:
        """``GET /livez``: that the process runs and its event loop turns."""
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        """``GET /readyz``: whether there is a release to answer from."""
        if current.recommender is None:
            raise NotReadyError(current.reason, headers=retry_after(settings))
        return JSONResponse({"status": "ready", "release_id": current.recommender.release_id})

    return [
        Route("/livez", live, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
    ]
