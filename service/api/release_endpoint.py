"""Endpoints that use a release: parse the request, check it, recommend, send the response."""

import math
from collections.abc import Callable
from functools import partial
from typing import Final, Generic, TypeVar

import faiss
from anyio import to_thread
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from bitrecall.errors import BitrecallError
from bitrecall.index.errors import FilterError, SearchUnavailableError, UnknownItemError
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.search_steps import SearchSteps
from bitrecall.service.api.json_responses import send_json
from bitrecall.service.api.parsing import parse_request
from bitrecall.service.api.schemas.requests import QueryOptionsRequest
from bitrecall.service.api.thread_offload import Check, ThreadOffload, no_check
from bitrecall.service.auth.key_middleware import may_see_histories
from bitrecall.service.errors import (
    FieldError,
    FilterMismatchError,
    HistoryForbiddenError,
    InvalidRequestError,
    ItemNotFoundError,
    NotReadyError,
    RequestError,
    SearchNotAnsweringError,
)
from bitrecall.service.http.body import read_body
from bitrecall.service.http.eager import switch_to_task
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings, variable
from bitrecall.validation_messages import pointer

INLINE_K: Final = 100
"""Maximum ``k`` of requests that run on the event loop."""

HEAVY_ITEMS: Final = 5000
"""Requests for more items are heavy: they take tens of milliseconds or more."""

Body = TypeVar("Body", bound=BaseModel)
RequestModel = TypeVar("RequestModel", bound=QueryOptionsRequest)


def ready_recommender(settings: Settings, current: CurrentRelease) -> Recommender:
    """The recommender of the current release.

    Raises:
        NotReadyError: no release is loaded.
    """
    if current.recommender is None:
        raise NotReadyError(
            "no release is loaded yet; GET /readyz gives the reason", headers=retry_after(settings)
        )
    return current.recommender


def retry_after(settings: Settings) -> dict[str, str]:
    """The Retry-After header: seconds until the next check for a release."""
    return {"Retry-After": str(math.ceil(settings.poll_interval))}


async def read_request(
    scope: Scope, receive: Receive, settings: Settings, model: type[Body]
) -> Body:
    """Read and parse a request body.

    Raises:
        RequestError: the body does not arrive in time, or is invalid.
    """
    body = await read_body(
        scope, receive, limit=settings.max_body_bytes, seconds=settings.body_timeout
    )
    return parse_request(body, model)


class ReleaseEndpoint(Generic[RequestModel]):
    """``POST`` with a JSON body, handled with the recommender of a release.

    Short requests run on the event loop, in a batch: passing them to a thread would cost more than
    the work. Longer requests run on a thread, so that others need not wait (docs/service.md has the
    measurement), and heavy requests on a few separate threads.

    Args:
        model: class of the request body.
        handler: computes the JSON of the response; long work has to call its third argument
            regularly.
        batcher: runs concurrent requests together.
        heavy: runs requests for more than ``HEAVY_ITEMS`` items.
        is_short: whether a request runs on the event loop.
    """

    def __init__(
        self,
        settings: Settings,
        current: CurrentRelease,
        event_feed: EventFeed,
        model: type[RequestModel],
        handler: Callable[[Recommender, RequestModel, Check], SearchSteps[bytes]],
        batcher: MicroBatcher,
        heavy: ThreadOffload,
        is_short: Callable[[Recommender, RequestModel], bool],
    ) -> None:
        self._settings = settings
        self._current = current
        self._event_feed = event_feed
        self._model = model
        self._handler = handler
        self._batcher = batcher
        self._heavy = heavy
        self._is_short = is_short

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request.

        Raises:
            RequestError: the request is invalid, or cannot be handled now.
        """
        request = await read_request(scope, receive, self._settings, self._model)
        self._check(request, scope)
        recommender = await self._recommender(scope)
        try:
            if recommender.is_fast and self._is_short(recommender, request):
                content = await self._batcher.run(self._handler(recommender, request, no_check))
            else:
                content = await self._run_on_thread(recommender, request, receive)
        except (FilterError, UnknownItemError, SearchUnavailableError) as error:
            raise _request_error(error) from None
        await send_json(send, content)

    def _check(self, request: RequestModel, scope: Scope) -> None:
        """Check the size of the response, and that the key allows it.

        Raises:
            RequestError: the response would be too large, or the key does not allow it.
        """
        size, limit = request.size(), self._settings.max_answer_items
        if size > limit:
            detail = (
                f"{request.size_in_words()} would be {size} items; the maximum per response is "
                f"{limit} ({variable('max_answer_items')})"
            )
            raise InvalidRequestError(f"/k: {detail}", errors=[FieldError(pointer("k"), detail)])
        if not may_see_histories(scope) and request.shows_history():
            raise HistoryForbiddenError(
                "a key of the role recommend gets neither explanations (explain) nor the items of "
                "a user (exclude_seen: false), unless the request itself has them (history)"
            )

    async def _recommender(self, scope: Scope) -> Recommender:
        """The recommender for a request, up to date with the events."""
        if self._event_feed.is_behind:
            await self._event_feed.catch_up(self._current)
        return ready_recommender(self._settings, self._current)

    async def _run_on_thread(
        self, recommender: Recommender, request: RequestModel, receive: Receive
    ) -> bytes:
        await switch_to_task()
        work = partial(self._on_thread, recommender, request)
        if request.size() > HEAVY_ITEMS:
            return await self._heavy.run(work, receive)
        return await to_thread.run_sync(work, no_check)

    def _on_thread(self, recommender: Recommender, request: RequestModel, check: Check) -> bytes:
        # The setting applies to the calling thread.
        faiss.omp_set_num_threads(1)
        return self._batcher.run_alone(self._handler(recommender, request, check))


def _request_error(error: BitrecallError) -> RequestError:
    """The request error for an error that a recommender raised."""
    if isinstance(error, FilterError):
        place = pointer("filter", "where", error.attribute)
        errors = [FieldError(place, str(error))]
        return FilterMismatchError(f"{place}: {error}", errors=errors)
    if isinstance(error, UnknownItemError):
        return ItemNotFoundError(str(error))
    return SearchNotAnsweringError(
        "the search server does not respond", headers={"Retry-After": "1"}
    )
