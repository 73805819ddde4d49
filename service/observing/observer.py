"""Counting and logging every request at the edge."""

import logging
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.observing.metrics import Metrics

# Ids in paths would make a time series of each.
_BELOW: Final = ("/items/", "/users/", "/releases/", "/problems/", "/explorer/")

_log = logging.getLogger(__name__)


class Observer:
    """Tells the metrics of each request, and logs a line of it where that is wanted.

    Args:
        app: what answers.
        metrics: told of method, path, status and time.
        paths: the paths there are; any other is counted as one.
        log: whether each request has a line in the log: method, path, status, milliseconds.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str], *, log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.request(scope["method"], self._label(scope["path"]), status, seconds)
            if self._log:
                # The raw path is percent-encoded: no line break of a client's gets into the log.
                path = scope["raw_path"].decode("latin-1")
                _log.info("%s %s %d %.1f ms", scope["method"], path, status, seconds * 1000)

    def _label(self, path: str) -> str:
        if path in self._paths:
            return path
        below = next((prefix for prefix in _BELOW if path.startswith(prefix)), None)
        return "other" if below is None else f"{below}{{id}}"
