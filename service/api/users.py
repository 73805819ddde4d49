"""``GET`` and ``DELETE /users/{id}``: the known data about a user, and forgetting a user."""

import logging
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from bitrecall.events.errors import EventsError
from bitrecall.events.rules import id_fault
from bitrecall.index.recommend.lookups import user_info
from bitrecall.service.api.id_route import id_in_path, id_route
from bitrecall.service.api.json_responses import json_response
from bitrecall.service.api.release_endpoint import ready_recommender
from bitrecall.service.errors import EventsNotKeptError, InvalidRequestError
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings

_log = logging.getLogger(__name__)


def user_routes(
    settings: Settings, current: CurrentRelease, event_feed: EventFeed
) -> list[BaseRoute]:
    """The route for a single user."""

    async def user(request: Request) -> Response:
        user_id = id_in_path(request)
        if request.method == "DELETE":
            return json_response({"id": user_id, "events": await _forget(event_feed, user_id)})
        await event_feed.catch_up(current)
        return json_response(asdict(user_info(ready_recommender(settings, current), user_id)))

    return [id_route("/users/", user, ["GET", "DELETE"])]


async def _forget(event_feed: EventFeed, user_id: str) -> int:
    if fault := id_fault(user_id, max_length=None):
        raise InvalidRequestError(f"the id in the path {fault}")
    try:
        return await event_feed.forget(user_id)
    except EventsError as error:
        # The message may contain the location of the database, which clients should not see.
        _log.warning("a user was not forgotten: %s", error)
        raise EventsNotKeptError from error
