"""All paths of the service but ``/openapi.json``."""

from starlette.routing import BaseRoute

from service.endpoints.events import event_routes
from service.endpoints.explorer import explorer_routes
from service.endpoints.health import health_routes
from service.endpoints.lookups import lookup_routes
from service.endpoints.metrics import metrics_route
from service.endpoints.recommend import recommend_routes
from service.endpoints.refusals import problem_routes
from service.endpoints.releases import release_routes
from service.endpoints.users import user_routes
from service.fresh.live import Live
from service.observing.metrics import Metrics
from service.releases import CurrentRelease
from service.rounds import Rounds
from service.settings import Settings


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
