"""All paths of the service but ``/openapi.json``."""

from starlette.routing import BaseRoute

from bitrecall.service.endpoints.events import event_routes
from bitrecall.service.endpoints.explorer import explorer_routes
from bitrecall.service.endpoints.health import health_routes
from bitrecall.service.endpoints.lookups import lookup_routes
from bitrecall.service.endpoints.metrics import metrics_route
from bitrecall.service.endpoints.recommend import recommend_routes
from bitrecall.service.endpoints.refusals import problem_routes
from bitrecall.service.endpoints.releases import release_routes
from bitrecall.service.endpoints.users import user_routes
from bitrecall.service.fresh.live import Live
from bitrecall.service.observing.metrics import Metrics
from bitrecall.service.releases import CurrentRelease
from bitrecall.service.rounds import Rounds
from bitrecall.service.settings import Settings


def routes(
    settings: Settings, current: CurrentRelease, live: Live, metrics: Metrics, rounds: Rounds
) -> list[BaseRoute]:
    """The paths of a service with these settings."""
    return [
        *recommend_routes(settings, current, live, metrics, rounds),
        *event_routes(settings, live, metrics),
        *lookup_routes(settings, current),
        *user_routes(settings, current, live),
        *release_routes(settings, current),
        *health_routes(settings, current, live),
        metrics_route(metrics),
        *problem_routes(),
        *explorer_routes(settings.root_path),
    ]
