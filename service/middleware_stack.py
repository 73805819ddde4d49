"""The middleware around the endpoints, which the fast path and the plain path share."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.types import ASGIApp

from bitrecall.service.api.openapi.operations import PATHS
from bitrecall.service.auth.key_file import KeyFile
from bitrecall.service.auth.key_middleware import KeyMiddleware
from bitrecall.service.host_names import names_in
from bitrecall.service.http.hosts import HostRule
from bitrecall.service.http.middleware import RequestMiddleware
from bitrecall.service.http.origins import CorsMiddleware
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.settings import Settings


def common_middleware(
    settings: Settings, metrics: Metrics, keys: KeyFile | None
) -> list[Middleware]:
    """The middleware of both paths, the outermost first.

    The root path is removed before it (``Service.fast_application_for``).

    Args:
        settings: the settings of the service.
        metrics: counts requests.
        keys: the key file; None if requests need no key.
    """
    # 1. Request id, Host header, metrics, access log, unexpected exceptions.
    middleware = [
        Middleware(
            RequestMiddleware, metrics, PATHS, HostRule.of(settings), log=settings.access_log
        )
    ]
    # 2. CORS, outside of the keys: a preflight request has none.
    if origins := names_in(settings.allowed_origins):
        middleware.append(Middleware(CorsMiddleware, origins))
    # 3. Keys.
    if keys is not None:
        middleware.append(Middleware(KeyMiddleware, keys))
    return middleware


def wrap(application: ASGIApp, middleware: Sequence[Middleware]) -> ASGIApp:
    """Wrap an application in middleware, of which the first becomes the outermost."""
    for layer in reversed(middleware):
        application = layer.cls(application, *layer.args, **layer.kwargs)
    return application
