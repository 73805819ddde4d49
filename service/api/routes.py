"""All routes of the service except ``/openapi.json``."""

from starlette.routing import BaseRoute

from bitrecall.service.api.error_handlers import problem_routes
from bitrecall.service.api.events import event_routes
from bitrecall.service.api.explorer import explorer_routes
from bitrecall.service.api.health import health_routes
from bitrecall.service.api.items import lookup_routes
from bitrecall.service.api.metrics import metrics_route
from bitrecall.service.api.recommend import recommend_routes
from bitrecall.service.api.releases import release_routes
from bitrecall.service.api.users import user_routes
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings


def routes(
    settings: Settings,
    current: CurrentRelease,
    event_feed: EventFeed,
    metrics: Metrics,
    batcher: MicroBatcher,
) -> list[BaseRoute]:
    """The routes of a service with these settings."""
    return [
        *recommend_routes(settings, current, event_feed, metrics, batcher),
        *event_routes(settings, event_feed, metrics),
        *lookup_routes(settings, current),
        *user_routes(settings, current, event_feed),
        *release_routes(settings, current),
        *health_routes(settings, current, event_feed),
        metrics_route(metrics),
        *problem_routes(),
        *explorer_routes(settings.root_path),
    ]
