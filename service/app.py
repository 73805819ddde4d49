"""The application: the paths, what surrounds them, and what starts and stops with them."""

import asyncio
import contextlib
import gc
import json
import logging
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import faiss
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bitrecall import __version__
from bitrecall.events.store import EventStore
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.milvus_mirror import MilvusMirror, open_backend
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.milvus.server import MilvusServer, read_token
from bitrecall.service.api.error_handlers import handle_http_error, handle_request_error
from bitrecall.service.api.fast_path import FastPath, fast_routes
from bitrecall.service.api.openapi.document import openapi_document
from bitrecall.service.api.openapi.operations import PATHS
from bitrecall.service.api.routes import routes
from bitrecall.service.auth.key_file import KeyFile
from bitrecall.service.auth.middleware import KeyMiddleware
from bitrecall.service.errors import RequestError
from bitrecall.service.http.connection_budget import ConnectionBudget
from bitrecall.service.http.connection_limits import ConnectionLimits
from bitrecall.service.http.hosts import HostRule
from bitrecall.service.http.limiter import ConcurrencyLimiter
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.http.middleware import RequestMiddleware
from bitrecall.service.http.origins import CorsMiddleware, CrossOriginProtection
from bitrecall.service.http.root_path import strip_root_path
from bitrecall.service.http.write_coalescing import WriteCoalescer
from bitrecall.service.observability.key_metrics import KeysCollector
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.observability.tracing import Tracing
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.online.wakeup import Wakeup
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings, load_settings, names_in

_log = logging.getLogger(__name__)


class Service(FastAPI):
    """A FastAPI application that describes itself from ``bitrecall.service.api.openapi``.

    There are no interactive pages: FastAPI's load their scripts from a server elsewhere. With an
    ``address`` at which it can be reached, it logs a request to try when it starts.
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
            mirror = MilvusMirror(self.milvus, lists=settings.milvus_lists)
        self.current = CurrentRelease(
            ReleaseStore(settings.releases, mirror), recommender_of=self._recommender_of
        )
        self.keys = None if settings.keys is None else KeyFile(settings.keys)
        asked = [] if self.keys is None else [KeysCollector(self.keys)]
        self.metrics = Metrics(self.current, *asked)
        self.limiter = ConcurrencyLimiter(
            settings.max_concurrent, self.metrics.shed, settings.root_path
        )
        self.connection_budget = ConnectionBudget(
            ConnectionLimits.of(settings), self.metrics.dropped
        )
        self.batcher = MicroBatcher(self.metrics.searched)
        self.write_coalescer = WriteCoalescer()
        self.tracing = Tracing(settings.traces)
        paths = routes(settings, self.current, self.event_feed, self.metrics, self.batcher)
        guards = self._guards()
        # Spans of requests are the framework's affair.
        self._direct = FastPath({} if settings.traces else fast_routes(paths))
        self._to_direct: ASGIApp = self._direct
        for one in reversed(guards):
            self._to_direct = one.cls(self._to_direct, *one.args, **one.kwargs)
        super().__init__(
            title="Bitrecall",
            version=__version__,
            routes=paths,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=self._while_serving,
            telemetry=self.tracing.telemetry,
            middleware=[
                *guards,
                Middleware(CrossOriginProtection, names_in(settings.allowed_origins)),
            ],
            exception_handlers={
                RequestError: handle_request_error,
                HTTPException: handle_http_error,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what one connection asks, or what starts and stops the service."""
        await (self.fast_path(scope) or super().__call__)(scope, receive, send)

    def fast_path(self, scope: Scope) -> ASGIApp | None:
        """What answers a request without the framework, if anything does."""
        if self._settings.root_path and scope["type"] == "http":
            strip_root_path(scope, self._settings.root_path)
        return self._to_direct if self._direct.matches(scope) else None

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made when it is first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi_document(self._settings, self.version)
        return self.openapi_schema

    def reload_soon(self) -> None:
        """Have the keys and the current release read again; from a signal handler.

        Before the service has started there is nothing to read again.
        """
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin_reload)

    def _begin_reload(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        _log.info("reloading: the keys and the current release are read again")
        if self.keys is not None:
            self.keys.reload()
        try:
            await asyncio.to_thread(self.current.reload)
        except Exception:
            _log.exception("reloading failed, and what was served still is")
        else:
            _log.info("reloaded")

    def _guards(self) -> list[Middleware]:
        """What surrounds every answer, the outermost first.

        What surrounds changes besides, ``CrossOriginProtection``, does nothing on the fast path.
        """
        settings = self._settings
        hosts = HostRule.of(settings)
        guards = [
            Middleware(RequestMiddleware, self.metrics, PATHS, hosts, log=settings.access_log)
        ]
        if origins := names_in(settings.allowed_origins):
            guards.append(Middleware(CorsMiddleware, origins))
        if self.keys is not None:
            guards.append(Middleware(KeyMiddleware, self.keys))
        return guards

    def _recommender_of(self, release: Release) -> Recommender:
        """What answers from a release that has been opened. Raises ``ReleaseError``."""
        if self.milvus is not None:
            release = replace(release, backend=open_backend(self.milvus, release))
        return self.event_feed.recommender_of(release)

    @contextlib.asynccontextmanager
    async def _while_serving(self, app: FastAPI) -> AsyncIterator[None]:
        # The setting is the calling thread's own: this is for searches on the event loop.
        faiss.omp_set_num_threads(1)
        await asyncio.to_thread(self.current.refresh)
        # What is there by now stays, and need not be looked through for garbage again and again.
        gc.freeze()
        if self._address is not None and self.current.recommender is not None:
            user = self.current.recommender.first_user
            example = request_to_try(self._address, user, keyed=self.keys is not None)
            _log.info("a request to try: %s", example)
        self._loop = asyncio.get_running_loop()
        interval = self._settings.poll_interval
        watching = [
            asyncio.create_task(self.current.watch(interval)),
            asyncio.create_task(self.event_feed.watch(self.current, interval)),
        ]
        try:
            yield
        finally:
            gc.unfreeze()
            self.metrics.tell()
            self._loop = None
            if self._reloading is not None:
                watching.append(self._reloading)
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            await asyncio.to_thread(self.event_feed.close)
            self.current.close()
            if self.milvus is not None:
                self.milvus.close()
            await asyncio.to_thread(self.tracing.close)


def _event_feed(settings: Settings) -> EventFeed:
    """What keeps events, as the settings have it. Raises ``EventsError`` on a URL that is none."""
    store = None if settings.events == "off" else EventStore(settings.events)
    path = settings.events_signal
    wakeup = Wakeup.private() if path is None else Wakeup(path)
    return EventFeed(
        store,
        wakeup,
        settings.new_item_users,
        settings.fold_in_items,
        # A quarter of the requests that are answered at a time is left to those that read.
        most_writing=max(1, settings.max_concurrent * 3 // 4),
    )


def _milvus(settings: Settings) -> MilvusServer | None:
    """The server that searches. Raises ``SearchUnavailableError`` where its package is missing."""
    if settings.milvus is None:
        return None
    return MilvusServer(settings.milvus, read_token(settings.milvus_token_file))


def request_to_try(address: str, user_id: str, *, keyed: bool) -> str:
    """A command for the shell that asks the service at ``address`` for a user's items.

    Where requests need a key, it has ``$KEY`` in the key's place.
    """
    body = shlex.quote(json.dumps({"user_id": user_id, "k": 5}, ensure_ascii=False))
    where = address
    if address.startswith("unix:"):
        where = f"--unix-socket {shlex.quote(address.removeprefix('unix:'))} http://localhost"
    key = ' -H "authorization: Bearer $KEY"' if keyed else ""
    return f"curl -s {where}/recommend -H 'content-type: application/json'{key} -d {body}"


def create_app(settings: Settings) -> FastAPI:
    """The service with these settings; it loads a release when it starts, not now."""
    return Service(settings)


def from_environment() -> FastAPI:
    """The service with the settings in the environment: the factory that workers import."""
    return create_app(load_settings())
