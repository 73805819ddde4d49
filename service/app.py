"""The application: its parts, its start and its stop."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import faiss
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bitrecall import __version__
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.milvus_mirror import MilvusMirror, open_backend
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.milvus.server import MilvusServer, read_token
from bitrecall.service.api.error_handlers import handle_http_error, handle_request_error
from bitrecall.service.api.fast_path import FastPath, fast_endpoints
from bitrecall.service.api.openapi.document import openapi_document
from bitrecall.service.api.routes import routes
from bitrecall.service.auth.key_file import KeyFile
from bitrecall.service.environment import load_settings
from bitrecall.service.errors import RequestError
from bitrecall.service.example_request import example_request
from bitrecall.service.host_names import names_in
from bitrecall.service.http.connection_budget import ConnectionBudget
from bitrecall.service.http.connection_limits import ConnectionLimits
from bitrecall.service.http.limiter import ConcurrencyLimiter
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.http.origins import CrossOriginProtection
from bitrecall.service.http.root_path import strip_root_path
from bitrecall.service.http.write_coalescing import WriteCoalescer
from bitrecall.service.middleware_stack import common_middleware, wrap
from bitrecall.service.observability.key_metrics import KeysCollector
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.observability.tracing import Tracing
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.online.wakeup import Wakeup
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings

_log = logging.getLogger(__name__)


class Service(FastAPI):
    """The service: FastAPI with plain ASGI routes, and a fast path for the most frequent requests.

    It implements ``bitrecall.service.http.application.HttpApplication``.

    It has no interactive documentation: FastAPI's loads scripts from another server. Its OpenAPI
    document comes from ``bitrecall.service.api.openapi``.

    Args:
        settings: the settings of the service.
        address: its address, as for ``example_request``: the service then logs an example request
            when it starts.

    Raises:
        EventsError: the URL of the events is invalid, or the driver of their database is missing.
        SearchUnavailableError: Milvus is configured and its package is missing.
        SettingsError: tracing is configured and its packages are missing.
    """

    def __init__(self, settings: Settings, address: str | None = None) -> None:
        self._settings = settings
        self._address = address
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reloading: asyncio.Task[None] | None = None
        self.event_feed = _event_feed(settings)
        self.milvus = _milvus(settings)
        mirror = None
        if self.milvus is not None:
            mirror = MilvusMirror(self.milvus, ivf=settings.milvus_lists)
        self.current = CurrentRelease(
            ReleaseStore(settings.releases, mirror), recommender_of=self._recommender_of
        )
        self.keys = None if settings.keys is None else KeyFile(settings.keys)
        collectors = [] if self.keys is None else [KeysCollector(self.keys)]
        self.metrics = Metrics(self.current, *collectors)
        self.limiter = ConcurrencyLimiter(
            settings.max_concurrent, self.metrics.count_rejected, settings.root_path
        )
        self.connection_budget = ConnectionBudget(
            ConnectionLimits.of(settings), self.metrics.count_dropped
        )
        self.batcher = MicroBatcher(self.metrics.run_timed)
        self.write_coalescer = WriteCoalescer()
        self.tracing = Tracing(settings.traces)
        paths = routes(settings, self.current, self.event_feed, self.metrics, self.batcher)
        middleware = common_middleware(settings, self.metrics, self.keys)
        # Only the framework makes spans of requests.
        self._fast_path = FastPath({} if settings.traces else fast_endpoints(paths))
        self._fast_application = wrap(self._fast_path, middleware)
        super().__init__(
            title="Bitrecall",
            version=__version__,
            routes=paths,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=self._lifespan,
            telemetry=self.tracing.telemetry,
            # The fast path changes nothing, so it needs no protection against other origins.
            middleware=[
                *middleware,
                Middleware(CrossOriginProtection, names_in(settings.allowed_origins)),
            ],
            exception_handlers={
                RequestError: handle_request_error,
                HTTPException: handle_http_error,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or start and stop the service (the lifespan)."""
        await (self.fast_application_for(scope) or super().__call__)(scope, receive, send)

    def fast_application_for(self, scope: Scope) -> ASGIApp | None:
        """The application for a request that does not need the framework; None for all others.

        The root path is removed from the path of the request.
        """
        if self._settings.root_path and scope["type"] == "http":
            strip_root_path(scope, self._settings.root_path)
        return self._fast_application if self._fast_path.matches(scope) else None

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, built on first use."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi_document(self._settings, self.version)
        return self.openapi_schema

    def reload_soon(self) -> None:
        """Schedule a reload of the keys and the current release; for a signal handler.

        Does nothing before the service has started.
        """
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._start_reload)

    def _start_reload(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        _log.info("reloading the keys and the current release")
        if self.keys is not None:
            self.keys.reload()
        try:
            await asyncio.to_thread(self.current.reload)
        except Exception:
            _log.exception("the reload failed; the service continues with the previous state")
        else:
            _log.info("reloaded")

    def _recommender_of(self, release: Release) -> Recommender:
        """The recommender of an open release, with recent events.

        Raises:
            ReleaseError: the Milvus collection of the release cannot be used.
        """
        if self.milvus is not None:
            release = replace(release, backend=open_backend(self.milvus, release))
        return self.event_feed.recommender_of(release)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        # The setting applies to the calling thread: this is for searches on the event loop.
        faiss.omp_set_num_threads(1)
        await asyncio.to_thread(self.current.refresh)
        # What exists by now lives as long as the service: the garbage collector can skip it.
        gc.freeze()
        if self._address is not None and self.current.recommender is not None:
            user_id = self.current.recommender.first_user
            example = example_request(self._address, user_id, with_key=self.keys is not None)
            _log.info("an example request: %s", example)
        self._loop = asyncio.get_running_loop()
        interval = self._settings.poll_interval
        tasks = [
            asyncio.create_task(self.current.watch(interval)),
            asyncio.create_task(self.event_feed.watch(self.current, interval)),
        ]
        try:
            yield
        finally:
            gc.unfreeze()
            self.metrics.flush()
            self._loop = None
            if self._reloading is not None:
                tasks.append(self._reloading)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self.event_feed.close)
            self.current.close()
            if self.milvus is not None:
                self.milvus.close()
            await asyncio.to_thread(self.tracing.close)


def _event_feed(settings: Settings) -> EventFeed:
    store = None
    if settings.events != "off":
        # SQLAlchemy is a quarter of a process's imports.
        from bitrecall.events.store import EventStore

        store = EventStore(settings.events)
    path = settings.events_signal
    wakeup = Wakeup.private() if path is None else Wakeup(path)
    return EventFeed(
        store,
        wakeup,
        settings.new_item_users,
        settings.fold_in_items,
        # A quarter of the concurrent requests is left to those that only read.
        max_writing=max(1, settings.max_concurrent * 3 // 4),
    )


def _milvus(settings: Settings) -> MilvusServer | None:
    if settings.milvus is None:
        return None
    return MilvusServer(settings.milvus, read_token(settings.milvus_token_file))


def create_app(settings: Settings) -> FastAPI:
    """Create the service, which loads a release when it starts."""
    return Service(settings)


def from_environment() -> FastAPI:
    """The service with the settings in the environment: the factory that workers import."""
    return create_app(load_settings())
