"""``GET /metrics``: the metrics for Prometheus."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bitrecall.service.observability.metrics import Metrics


def metrics_route(metrics: Metrics) -> BaseRoute:
    """The route of the metrics."""

    async def scrape(request: Request) -> Response:
        """``GET /metrics``."""
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Route("/metrics", scrape, methods=["GET"])
