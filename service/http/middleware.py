"""The outermost layer of the application: request ids, metrics, the access log, and failures."""

import logging
import time
from collections.abc import Awaitable
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bitrecall.service.http.hosts import HostRule
from bitrecall.service.http.root_path import root_path_of
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.observability.request_ids import RequestId, generated_ids
from bitrecall.service.problem_responses import error_response, problem_response
from bitrecall.service.problems import PROBLEMS

# Paths with an id share one metric label; otherwise each id would create a time series.
_PREFIXES: Final = ("/items/", "/users/", "/releases/", "/problems/", "/explorer/")

_log = logging.getLogger(__name__)


class RequestMiddleware:
    """Gives each request an id, checks its Host header, counts and logs it, and handles failures.

    An unexpected exception becomes a problem document and a traceback in the log, both with the
    request id. If the response has started, the exception is raised again.

    This is a single layer because each layer with its own ``send`` costs about 2% of a request.

    Args:
        app: the application to call.
        metrics: counts requests by method, path, status and time.
        paths: the known paths; all others are counted as one.
        hosts: which Host headers are allowed; None allows all.
        log: whether to log each request: method, path, status, milliseconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        paths: frozenset[str],
        hosts: HostRule | None,
        *,
        log: bool,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths
        self._hosts = hosts
        self._log = log
        self._generated_ids = generated_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and send an error response if it fails."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = RequestId.of(scope, self._generated_ids)
        status = 0

        # Not a coroutine: that would add one per message.
        def send_with_id(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], request_id.header]
            return send(message)

        with request_id:
            try:
                if self._hosts is not None and (error := self._hosts.error_of(scope)) is not None:
                    await error_response(error, root_path_of(scope))(scope, receive, send_with_id)
                else:
                    await self._app(scope, receive, send_with_id)
            except ClientDisconnect:
                _log.debug("the client disconnected before its request was complete")
            except Exception:
                # The raw path is percent-encoded: a client cannot put a line break into the log.
                path = scope["raw_path"].decode("latin-1")
                _log.exception("request %s failed: %s %s", request_id.text, scope["method"], path)
                if status:
                    raise
                response = problem_response(
                    PROBLEMS["internal-error"],
                    "the service failed; its log has the traceback under this request_id",
                    request_id=request_id.text,
                    root_path=root_path_of(scope),
                )
                await response(scope, receive, send_with_id)
            finally:
                self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        self._metrics.count_request(scope["method"], self._label(scope["path"]), status, seconds)
        if self._log:
            path = scope["raw_path"].decode("latin-1")
            _log.info("%s %s %d %.1f ms", scope["method"], path, status, seconds * 1000)

    def _label(self, path: str) -> str:
        if path in self._paths:
            return path
        prefix = next((prefix for prefix in _PREFIXES if path.startswith(prefix)), None)
        return "other" if prefix is None else f"{prefix}{{id}}"
