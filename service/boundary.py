"""The outer edge of the application: nothing but a response leaves it."""

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.observing.request_ids import current_request_id
from service.problems import PROBLEMS, problem_response

_log = logging.getLogger(__name__)


class Boundary:
    """Turns an exception that nobody expected into a problem document and a logged trace.

    The document and the log line carry the same request id. When the response has begun, or the
    client has gone, there is nobody to tell.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer it when that fails."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            _log.debug("the client went away before its request was complete")
        except Exception:
            request_id = current_request_id()
            # The raw path is percent-encoded: no line break of a client's gets into the log.
            path = scope["raw_path"].decode("latin-1")
            _log.exception("request %s failed: %s %s", request_id, scope["method"], path)
            if begun:
                raise
            response = problem_response(
                PROBLEMS["internal-error"],
                "the service failed to answer; its log says why under this request_id",
                request_id=request_id,
            )
            await response(scope, receive, send)
