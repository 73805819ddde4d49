"""The outer edge of the application: what every request is given, and what leaves of it."""

import logging
import time
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bitrecall.service.http.direct_response import exchange_of
from bitrecall.service.http.hosts import HostRule
from bitrecall.service.http.root_path import root_path_of
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.observability.request_ids import RequestId, generated_ids
from bitrecall.service.problems import PROBLEMS, error_response, problem_response

# Ids in paths would make a time series of each.
_BELOW: Final = ("/items/", "/users/", "/releases/", "/problems/", "/explorer/")

_log = logging.getLogger(__name__)


class RequestMiddleware:
    """Gives a request its id, counts and logs it, and lets nothing but a response out.

    An exception that nobody expected becomes a problem document and a logged trace, with the same
    request id. When the response has begun, or the client has gone, there is nobody to tell.

    It also refuses requests for other hosts. All of that is one layer: the calls of three layers,
    each with a ``send`` of its own, take 5% of the time of a request.

    Args:
        app: the application that answers.
        metrics: counts requests by method, path, status and time.
        paths: the known paths; all others are counted as one.
        hosts: decides by the Host header which requests are answered; None: all.
        log: whether each request has a line in the log: method, path, status, milliseconds.
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
        self._own_ids = generated_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, answer it when that fails, and tell how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = RequestId.of(scope, self._own_ids)
        status = 0
        whole = exchange_of(scope)
        if whole is not None:
            whole.headers.append(request_id.header)

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], request_id.header]
            await send(message)

        with request_id:
            try:
                if self._hosts is not None and (error := self._hosts.refused(scope)) is not None:
                    await error_response(error, root_path_of(scope))(scope, receive, marked)
                else:
                    await self._app(scope, receive, marked)
            except ClientDisconnect:
                _log.debug("the client went away before its request was complete")
            except Exception:
                # The raw path is percent-encoded: no line break of a client's gets into the log.
                path = scope["raw_path"].decode("latin-1")
                _log.exception("request %s failed: %s %s", request_id.text, scope["method"], path)
                if status or (whole is not None and whole.is_answered):
                    raise
                response = problem_response(
                    PROBLEMS["internal-error"],
                    "the service failed to answer; its log says why under this request_id",
                    request_id=request_id.text,
                    root_path=root_path_of(scope),
                )
                await response(scope, receive, marked)
            finally:
                if whole is not None and whole.is_answered:
                    status = 200
                self._tell(scope, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        self._metrics.request(scope["method"], self._label(scope["path"]), status, seconds)
        if self._log:
            path = scope["raw_path"].decode("latin-1")
            _log.info("%s %s %d %.1f ms", scope["method"], path, status, seconds * 1000)

    def _label(self, path: str) -> str:
        if path in self._paths:
            return path
        below = next((prefix for prefix in _BELOW if path.startswith(prefix)), None)
        return "other" if below is None else f"{below}{{id}}"
