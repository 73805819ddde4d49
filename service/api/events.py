"""``POST /events``: stores events; the response is sent once they are durable."""

import logging

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from bitrecall.events.errors import EventsError
from bitrecall.service.api.json_responses import json_response
from bitrecall.service.api.release_endpoint import read_request
from bitrecall.service.api.schemas.events import EventsRequest
from bitrecall.service.errors import EventsNotKeptError
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.settings import Settings

_log = logging.getLogger(__name__)


def event_routes(settings: Settings, event_feed: EventFeed, metrics: Metrics) -> list[BaseRoute]:
    """The route that accepts events."""
    return [Route("/events", EventsEndpoint(settings, event_feed, metrics), methods=["POST"])]


class EventsEndpoint:
    """``POST /events``."""

    def __init__(self, settings: Settings, event_feed: EventFeed, metrics: Metrics) -> None:
        self._settings = settings
        self._event_feed = event_feed
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request.

        Raises:
            RequestError: the request is invalid, or the events cannot be stored.
        """
        request = await read_request(scope, receive, self._settings, EventsRequest)
        events = request.all()
        try:
            appended = await self._event_feed.append(events)
        except EventsError as error:
            # The message may contain the location of the database, which clients should not see.
            _log.warning("events were not stored: %s", error)
            raise EventsNotKeptError from error
        self._metrics.count_events(appended)
        document = {"accepted": appended.accepted, "duplicates": appended.duplicates}
        await json_response(document)(scope, receive, send)
